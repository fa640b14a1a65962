//! The command line: arguments, messages and exit codes.

mod advice;
mod bench;
mod calibrate;
mod compare;
mod conformance;
mod convert;
mod date;
mod devices;
mod doctor;
mod dump;
mod environment;
mod eval;
mod formats;
mod gallery;
mod html;
mod inputs;
mod inspect;
mod mishap;
mod mode;
mod network;
mod pairs;
mod patterns;
mod photo;
mod plan;
mod profile;
mod reading;
mod reference;
mod restore;
mod restoring;
mod session;
mod signals;
mod summary;
mod telling;
mod units;
mod video;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

pub use environment::wanted_variable;

use crate::model::{Provenance, Stage, Task};
use crate::plan::Precision;
use crate::{Error, Shown};
use clap::{Args, Parser, Subcommand, ValueEnum};
use session::Model;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

const EXIT_CODES: &str = "Exit codes: 0 all done; 1 a file could not be read, restored or written (the others still \
    were), or a check failed; 2 wrong arguments; 3 no usable GPU, or it failed; 4 an internal error, which is a bug \
    in mprnet; 130 interrupted by Ctrl-C, 143 ended by SIGTERM. No half-written file is left behind.\n\nWGPU_BACKEND (vulkan, \
    metal, dx12, gl) limits the backends that are tried; WGPU_ADAPTER_NAME names an adapter where --device does not.";

/// Removes noise, rain or motion blur from photographs with MPRNet, on any GPU.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES, arg_required_else_help = true)]
#[command(disable_help_flag = true, disable_help_subcommand = true, disable_version_flag = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Prints more messages; given twice, even more
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 1000)]
    verbose: u8,
    /// Prints errors only
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 1000)]
    quiet: bool,
    /// Prints help: -h a summary, --help everything
    #[arg(short, long, action = clap::ArgAction::Help, global = true, display_order = 1001)]
    help: Option<bool>,
    /// Prints the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version, display_order = 1001)]
    version: Option<bool>,
}

#[derive(Subcommand)]
enum Command {
    /// Removes rain from photos: PNG, JPEG, WebP or TIFF of any size
    Derain(photo::PhotoArgs),
    /// Removes noise from photos
    Denoise(photo::PhotoArgs),
    /// Removes motion blur from photos
    Deblur(photo::PhotoArgs),
    /// Restores photos with any MPRNet model
    Restore(restore::RestoreArgs),
    /// Restores a directory of photos and scores the results against targets: PSNR and SSIM, by the paper's protocols
    Eval(eval::EvalArgs),
    /// Converts a checkpoint to a safetensors file that describes itself
    Convert(convert::ConvertArgs),
    /// Measures how large a model's features become and what f16 costs it; can store that in the model's file
    Calibrate(calibrate::CalibrateArgs),
    /// Describes a model: task, licence, configuration, arithmetic, memory
    Inspect(inspect::InspectArgs),
    /// Lists the adapters that can be used, and their capabilities
    Devices,
    /// Checks whether every adapter restores correctly and how fast, and reports what is wrong with this machine's
    /// setup
    Doctor(doctor::DoctorArgs),
    /// Checks every operator and network on an adapter, or puts several such reports side by side
    Conformance(conformance::ConformanceArgs),
    /// Shows what a network compiles to (operators, arithmetic, memory), without a GPU
    Plan(plan::PlanArgs),
    /// Measures the speed of networks, kernels and kernel variants on an adapter
    Bench(bench::BenchArgs),
    /// Shows where a network's time goes on an adapter: each operator, against what the adapter can do at best
    Profile(profile::ProfileArgs),
    /// Prints a completion script for a shell: `mprnet completions bash >
    /// ~/.local/share/bash-completion/completions/mprnet`
    Completions(reference::CompletionsArgs),
    /// Writes manual pages
    Man(reference::ManArgs),
    /// Prints this help, or a command's
    Help {
        /// The command
        command: Option<String>,
    },
}

/// What decides how a network is built.
#[derive(Args)]
struct NetworkArgs {
    /// How activations and weights are stored; sums are always f32. What f16 cannot hold is computed in f32 instead
    #[arg(long, value_enum, default_value = "f32")]
    precision: PrecisionArg,
    /// Which of the network's three stages gives the result; an earlier one skips the later work
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=3), default_value_t = 3)]
    stage: u8,
    #[command(flatten)]
    mode: mode::ModeArgs,
    /// Most device memory that a photo may take, not counting weights, such as 512M or 2G. A photo that needs more is
    /// computed in bands of rows: slower, with a bit-identical result. Default: whatever the device has
    #[arg(long, value_name = "SIZE", value_parser = crate::plan::parse_bytes)]
    max_memory: Option<u64>,
}

impl NetworkArgs {
    fn stage(&self) -> Stage {
        match self.stage {
            1 => Stage::One,
            2 => Stage::Two,
            _ => Stage::Three,
        }
    }

    fn precision(&self) -> Precision {
        self.precision.precision()
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum PrecisionArg {
    /// 32-bit floats
    F32,
    /// 16-bit floats; sums are still f32
    F16,
    /// 32-bit floats, and only direct sums in convolutions: slower, closest to the definition
    Exact,
}

impl PrecisionArg {
    fn precision(self) -> Precision {
        match self {
            Self::F32 => Precision::F32,
            Self::F16 => Precision::F16,
            Self::Exact => Precision::Exact,
        }
    }
}

/// How a command ended short of success.
enum Failure {
    /// One error ended it.
    Error(Error),
    /// Errors have been reported as they came; the highest of their exit codes.
    Reported(u8),
    /// The arguments do not go together.
    Usage(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The program `mprnet`: its own process, with its arguments.
#[must_use]
pub fn main() -> ExitCode {
    environment::settle();
    ExitCode::from(run_alone(std::env::args_os()))
}

/// As [`run`], in a process that another language has started for nothing else: signals end it as they end the program,
/// and panics write no traces. [`wanted_variable`] is for whoever starts it.
#[must_use]
pub fn run_alone<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> u8 {
    mishap::hush_panics();
    signals::listen();
    run(arguments)
}

/// Does what the program `mprnet` does with these arguments, of which the first is its name, and gives its exit code:
/// for programs in other languages that bring the command line along. What the program says goes to this process's
/// standard output and error. Signals are left to the caller: [`output::abandon`](crate::output::abandon) removes what
/// is half-written.
#[must_use]
pub fn run<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let done = mishap::caught(|| match Cli::try_parse_from(&arguments) {
        Ok(cli) => execute(&cli, &arguments[0]),
        Err(error) => explain(&error, &arguments),
    });
    done.unwrap_or_else(|panic| {
        say(format_args!("mprnet failed: {panic} (this is a bug in mprnet; please report it)"));
        4
    })
}

/// Prints what `--help` does, of a command if one is named.
fn help(program: &OsString, command: Option<&str>) -> u8 {
    let wanted = command.into_iter().chain(["--help"]).map(OsString::from);
    let arguments: Vec<OsString> = [program.clone()].into_iter().chain(wanted).collect();
    Cli::try_parse_from(&arguments).map_or_else(|help| explain(&help, &arguments), |_| 0)
}

/// Says why arguments make no sense, or how they are to be. The parser does so with colours, and with what was given as
/// it is: that is only for arguments that leave terminals alone.
fn explain(error: &clap::Error, arguments: &[OsString]) -> u8 {
    let steers = |argument: &OsString| {
        let text = argument.to_string_lossy();
        Shown(&text).to_string() != text
    };
    if arguments.iter().any(steers) {
        error.to_string().lines().for_each(say);
    } else {
        // Where nobody listens, nobody is told.
        let _ = error.print();
    }
    error.exit_code() as u8
}

fn log(cli: &Cli) {
    // Tuning takes seconds, once: who waits is told why.
    let [level, tuning] = match (cli.quiet, cli.verbose) {
        (true, _) => [LevelFilter::ERROR; 2],
        (false, 0) => [LevelFilter::WARN, LevelFilter::INFO],
        (false, 1) => [LevelFilter::INFO; 2],
        _ => [LevelFilter::DEBUG; 2],
    };
    let listening = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::DEBUG)
        .with_writer(|| Log)
        .without_time()
        // It would report a closed standard error there, and panic.
        .log_internal_errors(false)
        .finish()
        .with(Targets::new().with_default(level).with_target("mprnet::tune", tuning))
        .try_init();
    // A program that calls this may listen by itself, or call it again.
    let _ = listening;
}

/// Standard error, for lines that come whole and may have any text in them.
struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        say(String::from_utf8_lossy(line).trim_end_matches('\n'));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn execute(cli: &Cli, program: &OsString) -> u8 {
    log(cli);
    QUIET.store(cli.quiet, Ordering::Relaxed);
    mishap::inject_panic("everything");
    let result = match &cli.command {
        Command::Derain(args) => restore::run(args, &[Model::Embedded(Task::Derain)], cli.quiet),
        Command::Denoise(args) => restore::run(args, &[Model::Embedded(Task::Denoise)], cli.quiet),
        Command::Deblur(args) => restore::run(args, &[Model::Embedded(Task::Deblur)], cli.quiet),
        Command::Restore(args) => restore::run_any(args, cli.quiet),
        Command::Eval(args) => eval::run(args, cli.quiet),
        Command::Convert(args) => convert::run(args, cli.quiet),
        Command::Calibrate(args) => calibrate::run(args, cli.quiet),
        Command::Inspect(args) => inspect::run(args, cli.quiet),
        Command::Devices => devices::run(),
        Command::Doctor(args) => doctor::run(args, cli.quiet),
        Command::Conformance(args) => conformance::run(args, cli.quiet),
        Command::Plan(args) => plan::run(args),
        Command::Bench(args) => bench::run(args, cli.quiet),
        Command::Profile(args) => profile::run(args, cli.quiet),
        Command::Completions(args) => reference::completions(args),
        Command::Man(args) => reference::man(args),
        Command::Help { command } => return help(program, command.as_deref()),
    };
    match result {
        Ok(()) => 0,
        Err(Failure::Reported(code)) => code,
        Err(Failure::Usage(text)) => {
            report(&text);
            2
        }
        Err(Failure::Error(error)) => {
            match error {
                Error::ShaderFile { .. } => report_lines(&error),
                _ => report(&advice::advised(&error)),
            }
            exit_code(&error)
        }
    }
}

fn report(error: &dyn Display) {
    say(format_args!("error: {}", one_line(&error.to_string())));
}

/// What the makers of shaders get from compilers points at places in lines.
fn report_lines(error: &Error) {
    format!("error: {error}").lines().for_each(say);
}

/// Whether nothing but errors is wanted.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Says what is no error and yet worth a word, unless nothing else is wanted than errors.
fn note(text: impl Display) {
    if !QUIET.load(Ordering::Relaxed) {
        say(format_args!("note: {text}"));
    }
}

/// Text of several lines in one.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Writes a line to standard error. Where that is closed there is nobody to tell, which is no reason to end.
fn say(line: impl Display) {
    telling::above(|| {
        let _ = writeln!(io::stderr(), "{}", Shown(line));
    });
}

/// Writes a command's result to standard output, which may be closed early: `mprnet plan | head`.
fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    // What another program reads has names as they are.
    let text = if out.is_terminal() { network::lines(text.lines().map(Shown)) } else { text.to_owned() };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Io { action: "write to", path: "standard output".into(), source: e })
        }
        _ => Ok(()),
    }
}

fn exit_code(error: &Error) -> u8 {
    match error {
        Error::NoAdapter | Error::UnknownDevice { .. } | Error::Gpu { .. } | Error::Shader { .. } => 3,
        Error::UnknownTensor { .. } | Error::Jobs { .. } | Error::Mode(_) => 2,
        Error::Unrestored { source, .. } => exit_code(source),
        _ => 1,
    }
}

/// Says under which terms a model may be, where its file does not.
fn advise(provenance: &Provenance, quiet: bool) {
    if let Some(notice) = provenance.notice().filter(|_| !quiet) {
        say(format_args!("note: {notice}"));
    }
}

/// A task by name, as a command-line value.
fn parse_task(name: &str) -> Result<Task, String> {
    Task::named(name).ok_or_else(|| "derain, denoise or deblur is expected".to_owned())
}
