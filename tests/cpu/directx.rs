//! What DX12 gets.

use std::collections::BTreeSet;
use std::path::Path;

use mprnet::gpu::KernelSpec;
use naga::back::hlsl::{Options, PipelineOptions, ShaderModel, Writer, supported_capabilities};
use naga::valid::{Capabilities, ModuleInfo};
use naga::{Module, ShaderStage};

use crate::translate::{all_specs, capabilities, compile, validate};

/// The text, as wgpu's DX12 backend has it written with its checks or without.
fn write(
    shader_model: ShaderModel,
    checked: bool,
    module: &Module,
    info: &ModuleInfo,
) -> Result<String, String> {
    let options = Options {
        shader_model,
        restrict_indexing: checked,
        force_loop_bounding: checked,
        zero_initialize_workgroup_memory: checked,
        ..Options::default()
    };
    let stage = PipelineOptions { entry_point: Some((ShaderStage::Compute, "main".to_owned())) };
    let mut text = String::new();
    let written = Writer::new(&mut text, &options, &stage).write(module, info, None);
    let names = written.map_err(|e| e.to_string())?.entry_point_names;
    names.into_iter().try_for_each(|e| e.map(|_| ()).map_err(|e| e.to_string()))?;
    Ok(text)
}

/// FXC takes 5.1, which has no 16-bit types, no subgroups and no 64-bit integers; DXC takes 6.2.
fn for_fxc(spec: &KernelSpec) -> bool {
    !(spec.native_f16() || spec.subgroups() || spec.int64())
}

/// Translates a kernel, and searches what came of it.
pub fn check(spec: &KernelSpec, module: &Module, info: &ModuleInfo) -> Result<(), String> {
    let shader_model = if for_fxc(spec) { ShaderModel::V5_1 } else { ShaderModel::V6_2 };
    if !supported_capabilities().contains(capabilities(spec)) {
        return Err(format!("{:?} go beyond what is translated", capabilities(spec)));
    }
    for checked in [true, false] {
        let text = write(shader_model, checked, module, info)?;
        if let Some(line) = defined_twice(&text) {
            return Err(format!("it defines twice: {line}"));
        }
    }
    Ok(())
}

/// A line of HLSL that defines a type or a function as an earlier one does. naga has a constructor for each type, named
/// after what the type is: an alias and what it stands for are two types to it, of one name, and FXC and DXC take
/// neither.
fn defined_twice(text: &str) -> Option<&str> {
    let defines = |line: &&str| {
        let outermost = line.starts_with(|c: char| c.is_ascii_alphabetic());
        outermost && (line.starts_with("typedef ") || line.trim_end_matches([' ', '{']).ends_with(')'))
    };
    let mut seen = BTreeSet::new();
    text.lines().filter(defines).find(|line| !seen.insert(*line))
}

/// What a kernel must not do, found in one that does.
#[test]
fn one_type_by_two_names_is_found() {
    let text = |other: &str| {
        format!(
            "alias Pair = array<f32, 2>;
            const ONE: Pair = Pair(1.0, 2.0);
            const OTHER: {other} = {other}(3.0, 4.0);
            @group(0) @binding(0) var<storage, read_write> out: array<f32>;
            @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) {{
                var one = ONE;
                var other = OTHER;
                out[i] = one[i] + other[i];
            }}"
        )
    };
    for (other, fits) in [("Pair", true), ("array<f32, 2>", false)] {
        let module = naga::front::wgsl::parse_str(&text(other)).unwrap();
        let info = validate(&module, Capabilities::empty()).unwrap();
        let translated = check(&KernelSpec::new("add", &[]), &module, &info);
        assert_eq!(translated.is_ok(), fits, "{other}: {translated:?}");
    }
}

/// For Microsoft's compilers, which `tools/windows.sh test` runs over them: every kernel's HLSL, without checks as this
/// crate's own shaders are run, in a folder for each compiler's arguments.
#[test]
#[ignore = "writes files: tools/windows.sh names the folder by MPRNET_HLSL"]
fn written_out() {
    let root = std::env::var("MPRNET_HLSL").expect("MPRNET_HLSL names the folder to write to");
    let specs = all_specs();
    for (index, spec) in specs.iter().filter(|spec| !spec.matrices()).enumerate() {
        let (module, info) = compile(spec).unwrap();
        // DXC is told of 16-bit types by devices that have them, whatever a kernel stores.
        let folders = [
            ("cs_5_1", ShaderModel::V5_1, for_fxc(spec)),
            ("cs_6_2", ShaderModel::V6_2, !spec.native_f16()),
            ("cs_6_2_half", ShaderModel::V6_2, true),
        ];
        for (folder, shader_model, _) in folders.into_iter().filter(|(_, _, fits)| *fits) {
            let folder = Path::new(&root).join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            let name = spec.name().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            // The number keeps apart what differs in what the name has no room for.
            let name = format!("{index:03} {}.hlsl", &name[..name.len().min(180)]);
            std::fs::write(folder.join(name), write(shader_model, false, &module, &info).unwrap()).unwrap();
        }
    }
}
