//! What shells and manuals need to know of the arguments, made of their one definition.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Failure, print};
use crate::{Error, output};

#[derive(Args)]
pub(super) struct CompletionsArgs {
    /// The shell to print a script for
    shell: Shell,
}

#[derive(Args)]
pub(super) struct ManArgs {
    /// An existing directory, such as share/man/man1
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}

const NAME: &str = "mprnet";

/// Writes `mprnet.1`, and a page for every command.
pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let mut program = Cli::command();
    program.build();
    page(&program, &args.folder)?;
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        page(command, &args.folder)?;
    }
    Ok(())
}

fn page(command: &Command, folder: &Path) -> Result<(), Error> {
    // `mprnet denoise` is told of in mprnet-denoise.1.
    let name = command.get_bin_name().unwrap_or(NAME).replace(' ', "-");
    let path = folder.join(format!("{name}.1"));
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone()).title(name).section("1");
    page.render(&mut text).map_err(|source| Error::Io { action: "write", path: path.clone(), source })?;
    output::write(&path, &text)
}
