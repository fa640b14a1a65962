//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    mprnet::cli::main()
}
