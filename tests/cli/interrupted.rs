//! Runs that are ended from outside, and files and directories that change under them.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal};

use crate::photos::*;
use crate::{Room, Run, mprnet, repository};

fn room() -> Room {
    let room = Room::new();
    room.put("tiny", &fs::read(repository("golden/tiny.safetensors")).unwrap());
    room.make_directory("in");
    room
}

/// A run in progress, and what it says.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    said: String,
}

impl Running {
    fn of(command: &mut Command) -> Running {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, lines, said: String::new() }
    }

    /// Waits for a line with this in it; tells whether there was one.
    fn says(&mut self, words: &str) -> bool {
        for line in self.lines.by_ref().map(Result::unwrap) {
            self.said += &(line.clone() + "\n");
            if line.contains(words) {
                return true;
            }
        }
        false
    }

    fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code, and all that was said.
    fn end(mut self) -> (Option<i32>, String) {
        while self.says("\n") {}
        (self.child.wait().unwrap().code(), self.said)
    }
}

/// What blocks whoever reads it until it is written.
fn make_pipe(room: &Room, name: &str) {
    assert!(Command::new("mkfifo").arg(room.path(name)).status().unwrap().success());
}

/// A pipe among several photos is read once, and by nobody but who decodes it.
#[test]
fn a_pipe_among_photos() {
    let room = Room::with_photo();
    make_pipe(&room, "pipe");
    let (pipe, bytes) = (room.path("pipe"), fs::read(room.path("photo.png")).unwrap());
    let writer = std::thread::spawn(move || fs::write(pipe, bytes));
    let tiny = crate::repository("golden/tiny.safetensors");
    let args = ["restore", "-q", "pipe", "photo.png", "-o", "out", "--model", tiny.to_str().unwrap()];
    let run = room.run(&args);
    assert!(
        run.code == 2 && run.err.contains("or the format be given (--format png)"),
        "{} {}",
        run.code,
        run.err
    );
    writer.join().unwrap().unwrap();
    assert_eq!(names(&room.path("out")), ["photo.png"]);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A run over `a.png`, a photo that nobody has written yet, and `b.png`; `a.png` has been restored.
fn waiting(room: &Room) -> Running {
    for name in ["a.png", "b.png"] {
        room.put(name, &png(smooth(16, 16)));
    }
    make_pipe(room, "pipe.png");
    let mut run = Running::of(
        &mut room.command(["restore", "--model", "tiny", "a.png", "pipe.png", "b.png", "-o", "out"]),
    );
    assert!(run.says("a.png -> "), "{}", run.said);
    run
}

#[test]
fn signals_end_it_and_say_what_was_finished() {
    // Elsewhere nothing says whether a hangup is to end it, and the system ends it.
    let hangup = cfg!(target_os = "linux").then_some((Signal::HUP, 129));
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)].into_iter().chain(hangup) {
        let room = room();
        let run = waiting(&room);
        run.signal(signal);
        let (ended, said) = run.end();
        assert_eq!(ended, Some(code), "{said}");
        assert!(
            said.ends_with("interrupted: 1 of 3 photos restored; --skip-existing goes on from there\n"),
            "{said}"
        );
        assert_eq!(names(&room.path("out")), ["a.png"]);
    }
}

/// Under `nohup` a terminal that is closed ends nothing.
#[test]
fn a_signal_that_its_parent_ignores_does_not_end_it() {
    let room = room();
    for name in ["a.png", "b.png"] {
        room.put(name, &png(smooth(16, 16)));
    }
    make_pipe(&room, "pipe.png");
    let own = room.command(["restore", "--model", "tiny", "a.png", "pipe.png", "b.png", "-o", "out"]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(own.get_program()).args(own.get_args());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut run = Running::of(command.current_dir(own.get_current_dir().unwrap()));
    assert!(run.says("a.png -> "), "{}", run.said);
    run.signal(Signal::HUP);
    fs::write(room.path("pipe.png"), png(smooth(16, 16))).unwrap();
    let (ended, said) = run.end();
    assert_eq!(ended, Some(0), "{said}");
    assert_eq!(names(&room.path("out")), ["a.png", "b.png", "pipe.png"]);
}

/// The picture is half-written: encoding takes a while.
#[test]
fn signals_remove_what_is_half_written() {
    let room = room();
    let noise = image::RgbImage::from_fn(900, 700, |x, y| {
        let mix = (x * 900 + y + 1).wrapping_mul(2_654_435_761);
        image::Rgb([mix >> 24, mix >> 16, mix >> 8].map(|v| v as u8))
    });
    room.put("photo.png", &png(noise));
    room.make_directory("out");
    let args = ["restore", "--model", "tiny", "--stage", "1", "photo.png", "-o", "out/photo.webp"];
    let run = Running::of(&mut room.command(args));
    let (mut before, mut now) = (Vec::new(), Vec::new());
    // The file that tries the directory out is gone at once.
    while now.is_empty() || before != now {
        std::thread::sleep(std::time::Duration::from_millis(1));
        before = std::mem::replace(&mut now, names(&room.path("out")));
    }
    run.signal(Signal::INT);
    let (ended, said) = run.end();
    assert_eq!(ended, Some(130), "{said}");
    // Where encoding was faster than the signal, the photo is there.
    let left = names(&room.path("out"));
    assert!(left.iter().all(|name| name == "photo.webp"), "{left:?}");
}

/// The thread that computes is inside the driver.
#[test]
fn signals_end_it_while_it_computes() {
    let room = room();
    room.put("photo.png", &png(smooth(1200, 900)));
    let mut run = Running::of(&mut room.command(["denoise", "-vv", "photo.png", "-o", "out.png"]));
    assert!(run.says("planned"), "{}", run.said);
    run.signal(Signal::TERM);
    let (ended, said) = run.end();
    assert_eq!(ended, Some(143), "{said}");
    assert!(said.ends_with("interrupted: 0 of 1 photos restored\n"), "{said}");
    assert_eq!(names(&room.path(".")), ["in", "photo.png", "tiny"]);
}

/// Every file that is there is whole, and what a rerun leaves is what a run that nobody disturbed leaves.
#[test]
fn killed_at_several_moments() {
    let room = room();
    let photos: Vec<String> = (0..12).map(|i| format!("{i}.png")).collect();
    for (i, name) in photos.iter().enumerate() {
        room.put(&format!("in/{name}"), &png(smooth(40 + i as u32, 30)));
    }
    let args = |out| ["restore", "--model", "tiny", "in", "-o", out, "--skip-existing"];
    Run::of(&mut room.command(args("whole"))).succeeds();
    let check = || {
        for name in names(&room.path("out")).iter().filter(|name| !name.starts_with('.')) {
            let [whole, found] =
                ["whole", "out"].map(|folder| fs::read(room.path(folder).join(name)).unwrap());
            assert!(whole == found, "{name}");
        }
    };
    room.make_directory("out");
    for kept in 1..5 {
        let mut run = Running::of(&mut room.command(args("out")));
        // One more a time, or none if it is killed while it starts.
        for _ in 1..kept {
            assert!(run.says(" -> "), "{}", run.said);
        }
        run.signal(Signal::KILL);
        assert_eq!(run.end().0, None);
        check();
    }
    // Whatever moment it was: the files of those that are gone are recognised, and those of others are left alone.
    let mut gone = mprnet().arg("--version").stdout(Stdio::null()).spawn().unwrap();
    gone.wait().unwrap();
    room.put(&format!("out/.mprnet-{}-left.tmp", gone.id()), b"half a picture");
    let alive = format!(".mprnet-{}-busy.tmp", std::process::id());
    room.put(&format!("out/{alive}"), b"half a picture");
    Run::of(&mut room.command(args("out"))).succeeds();
    check();
    let mut expected = photos;
    expected.push(alive);
    expected.sort();
    assert_eq!(names(&room.path("out")), expected);
}

/// One line for each, and nothing is left of it.
#[test]
fn a_disk_that_is_full() {
    let room = room();
    let noise = image::RgbImage::from_fn(90, 90, |x, y| {
        image::Rgb([x * y, x * x + 7 * y, y * y * x].map(|v| v as u8))
    });
    room.put("in/1.png", &png(smooth(9, 9)));
    room.put("in/2.tiff", &encode(noise, image::ImageFormat::Tiff));
    room.put("in/3.png", &png(smooth(9, 9)));
    // Ignoring the signal turns the limit into an error of the write.
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"trap "" XFSZ; ulimit -f 8; exec "$0" "$@""#]).arg(env!("CARGO_BIN_EXE_mprnet"));
    limited.args(["restore", "--model", "tiny", "in", "-o", "out"]).current_dir(room.path("."));
    limited.env("MESA_SHADER_CACHE_DISABLE", "1").env("MPRNET_CACHE", room.path("cache"));
    let run = Run::of(&mut limited);
    assert_eq!(run.code, 1, "{}", run.err);
    let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
    let [error] = errors[..] else { panic!("one error is expected: {}", run.err) };
    assert!(error.starts_with("error: cannot write out/2.tiff: "), "{error}");
    assert!(run.err.contains("2 restored, 1 failed, in "), "{}", run.err);
    assert_eq!(names(&room.path("out")), ["1.png", "3.png"]);
}

#[test]
fn an_input_that_vanishes_midway() {
    let room = room();
    let run = waiting(&room);
    fs::remove_file(room.path("b.png")).unwrap();
    fs::write(room.path("pipe.png"), png(smooth(9, 9))).unwrap();
    let (code, said) = run.end();
    assert_eq!(code, Some(1), "{said}");
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 1 && errors[0].starts_with("error: cannot read b.png: "), "{said}");
    assert_eq!(names(&room.path("out")), ["a.png", "pipe.png"]);
}

/// Permissions would not stop a superuser: the directory becomes a file.
#[test]
fn an_output_directory_that_vanishes_midway() {
    let room = room();
    let run = waiting(&room);
    fs::rename(room.path("out"), room.path("moved")).unwrap();
    room.put("out", b"no directory");
    fs::OpenOptions::new()
        .write(true)
        .open(room.path("pipe.png"))
        .unwrap()
        .write_all(&png(smooth(9, 9)))
        .unwrap();
    let (code, said) = run.end();
    assert_eq!(code, Some(1), "{said}");
    let errors: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 2 && errors.iter().all(|error| error.contains("out")), "{said}");
    assert!(said.contains("1 restored, 2 failed, in "), "{said}");
    assert_eq!(names(&room.path("moved")), ["a.png"]);
}
