//! `mprnet-bindgen MODULE.wasm FOLDER`: writes an ES module for a WebAssembly module of wasm-bindgen's, with its types,
//! to a folder. The same as wasm-bindgen's own command, whose version would have to be matched by hand, and which takes
//! as long to build.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, folder] = arguments.as_slice() else {
        eprintln!("usage: mprnet-bindgen MODULE.wasm FOLDER");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let written = bindgen
        .input_path(module)
        .remove_name_section(true)
        .remove_producers_section(true)
        .web(true)
        .and_then(|bindgen| bindgen.typescript(true).generate(folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {module} cannot be bound: {error:#}");
            ExitCode::FAILURE
        }
    }
}
