//! The program as it is used: arguments in; files, messages and exit codes out.

mod arguments;
mod asked;
mod bad_photos;
mod bad_weights;
mod bench;
mod budget;
#[path = "../common/build.rs"]
#[allow(dead_code, reason = "a part of it serves these tests")]
mod build;
mod calibrate;
mod compare;
mod conformance;
mod convert;
mod eval;
#[cfg(target_os = "linux")]
mod faults;
mod files;
mod folders;
mod formats;
mod gallery;
mod inspect;
#[cfg(unix)]
mod interrupted;
mod listings;
mod metadata;
mod mishaps;
mod options;
#[path = "../common/overflowing.rs"]
mod overflowing;
mod photos;
mod profile;
mod restoring;
mod sharing;
mod streams;
mod telling;
mod video;
#[cfg(windows)]
mod windows;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program, ready to be run.
fn mprnet() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mprnet"));
    // Whatever is measured once is measured once for all tests, and not for whoever runs them.
    command.env("MPRNET_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command
}

/// What a run has left behind besides files.
struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    fn of(command: &mut Command) -> Run {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        // A process that a signal ends has no code.
        let code = output.status.code().unwrap_or(-1);
        Run { code, out, err }
    }

    #[track_caller]
    fn succeeds(self) -> Run {
        assert_eq!(self.code, 0, "{}", self.err);
        self
    }

    /// Ends with this code after one error, a line with all of these words.
    #[track_caller]
    fn fails(self, code: i32, words: &[&str]) -> Run {
        assert_eq!(self.code, code, "{}", self.err);
        let errors: Vec<&str> = self.err.lines().filter(|line| line.contains("error:")).collect();
        let [error] = errors[..] else { panic!("one error is expected: {}", self.err) };
        assert!(error.starts_with("error: "), "{error}");
        for word in words {
            assert!(error.contains(word), "{word} is not in: {error}");
        }
        assert_eq!(self.out, "");
        self
    }

    /// As [`Self::fails`], where there is nothing else to say, not even which adapter is used.
    #[track_caller]
    fn fails_at_once(self, code: i32, words: &[&str]) {
        let run = self.fails(code, words);
        // The parser of arguments adds how they are to be.
        let usage = run.err.contains("For more information, try '--help'");
        assert!(usage || run.err.lines().count() == 1, "{}", run.err);
    }
}

/// A directory of its own for one test, in which the program is run.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Room {
        Room(tempfile::tempdir().unwrap())
    }

    /// A room with a small photo, `photo.png`.
    fn with_photo() -> Room {
        let room = Room::new();
        room.put("photo.png", &photos::png(photos::smooth(24, 17)));
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn make_directory(&self, name: &str) {
        std::fs::create_dir(self.path(name)).unwrap();
    }

    fn image(&self, name: &str) -> image::DynamicImage {
        let reader = image::ImageReader::open(self.path(name)).unwrap().with_guessed_format().unwrap();
        reader.decode().unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = mprnet();
        command.args(args).current_dir(self.0.path());
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        Run::of(&mut self.command(args))
    }

    /// Everything below the directory: the bytes of files, where links lead.
    fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut contents = BTreeMap::new();
        collect(self.0.path(), &mut contents);
        contents
    }

    /// Runs what is to fail before any GPU is opened, and finds that it has changed nothing: neither where `out.png`
    /// is a new file nor where it is an older one.
    #[track_caller]
    fn refuses(&self, args: &[&str], code: i32, words: &[&str]) {
        self.refuses_command(&mut self.command(args), code, words);
        if args.contains(&"out.png") && !self.path("out.png").exists() {
            self.put("out.png", b"an older picture");
            self.refuses_command(&mut self.command(args), code, words);
        }
    }

    #[track_caller]
    fn refuses_command(&self, command: &mut Command, code: i32, words: &[&str]) {
        let before = self.contents();
        Run::of(command).fails_at_once(code, words);
        assert!(before == self.contents(), "{:?} became {:?}", before.keys(), self.contents().keys());
    }
}

fn collect(directory: &Path, contents: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_symlink() {
            std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else if path.is_dir() {
            collect(&path, contents);
            Vec::new()
        } else {
            std::fs::read(&path).unwrap()
        };
        contents.insert(path, bytes);
    }
}

/// A path as this system prints it.
fn printed(path: &str) -> String {
    path.replace('/', std::path::MAIN_SEPARATOR_STR)
}

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
