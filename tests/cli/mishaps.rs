//! What must not reach the user: traces of panics, what Mesa says to itself, names of files that steer the terminal.

use crate::photos::*;
use crate::{Room, Run, repository};

fn room() -> Room {
    let room = Room::with_photo();
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room.put("other.png", &png(smooth(9, 9)));
    room.make_directory("out");
    room
}

#[cfg(debug_assertions)]
fn restore(room: &Room, more: &[&str]) -> std::process::Command {
    let all = ["restore", "--model", "tiny", "photo.png", "other.png", "-o", "out", "--overwrite"];
    room.command([&all, more].concat())
}

/// Debug builds alone can be told to panic.
#[test]
#[cfg(debug_assertions)]
fn a_panic_about_one_photo() {
    let room = room();
    let run = Run::of(restore(&room, &[]).env("MPRNET_INJECT_PANIC", "photo.png"));
    assert_eq!(run.code, 1, "{}", run.err);
    let errors: Vec<&str> = run.err.lines().filter(|line| line.contains("rehearsed")).collect();
    let [error] = errors[..] else { panic!("one line is expected: {}", run.err) };
    let begin =
        r"error: cannot restore photo.png: the program failed on it (rehearsed \u{1b}[31mfor a test, at src";
    assert!(error.starts_with(begin) && error.ends_with("please report it"), "{error}");
    assert!(!run.err.contains("panicked") && !run.err.contains("RUST_BACKTRACE"), "{}", run.err);
    assert!(run.err.contains("other.png -> "), "{}", run.err);
    // The adapter is opened once more, unless the other photo was on it already.
    let opened = run.err.lines().filter(|line| line.starts_with("no GPU is used")).count();
    assert!(opened <= 2, "{}", run.err);
    assert!(!room.path("out/photo.png").exists());
    assert_eq!(room.image("out/other.png").width(), 9);
    let run = Run::of(restore(&room, &["-vv"]).env("MPRNET_INJECT_PANIC", "photo.png"));
    assert!(
        run.err.lines().any(|line| line.contains("DEBUG") && line.contains("panic at src")),
        "{}",
        run.err
    );
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_about_one_image_of_a_folder() {
    let room = room();
    for folder in ["in", "targets"] {
        room.make_directory(folder);
        room.put(&format!("{folder}/a.png"), &png(smooth(16, 16)));
        room.put(&format!("{folder}/b.png"), &png(smooth(16, 16)));
    }
    let args = ["eval", "in", "targets", "--model", "tiny", "--format", "json"];
    let run = Run::of(room.command(args).env("MPRNET_INJECT_PANIC", "in/a.png"));
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("error: cannot restore in/a.png: the program failed on it"), "{}", run.err);
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["images"][0]["name"], "b.png");
    assert_eq!(report["failed"][0]["name"], "a.png");
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_about_everything() {
    let room = room();
    let run = Run::of(restore(&room, &[]).env("MPRNET_INJECT_PANIC", "everything"));
    assert_eq!(run.code, 4, "{}", run.err);
    assert!(run.err.starts_with("mprnet failed: rehearsed "), "{}", run.err);
    assert!(run.err.ends_with(" (this is a bug in mprnet; please report it)\n"), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1);
}

/// On machines without a desktop session Mesa's choice of a device complains about that.
#[test]
fn nothing_but_what_is_to_be_said() {
    let room = room();
    let args = ["restore", "-q", "--model", "tiny", "photo.png", "-o", "out.png"];
    let run =
        Run::of(room.command(args).env_remove("XDG_RUNTIME_DIR").env_remove("WAYLAND_DISPLAY")).succeeds();
    assert_eq!(run.err, "");
}

/// A red title in the middle of a name.
#[cfg(unix)]
const STEERING: &str = "a\u{1b}]0;title\u{7}\u{9b}31m\n\u{202e}b.png";
#[cfg(unix)]
const SHOWN: &str = r"a\u{1b}]0;title\u{7}\u{9b}31m\n\u{202e}b.png";

/// What steers a terminal is not among what is printed, but for the ends of lines.
#[track_caller]
#[cfg(unix)]
fn is_plain(text: &str) {
    assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
}

#[test]
#[cfg(unix)]
fn names_that_steer_the_terminal() {
    let room = room();
    room.put(STEERING, &png(smooth(9, 9)));
    let run = room.run(&["restore", "-vv", "--model", "tiny", STEERING, "-o", "out"]).succeeds();
    is_plain(&run.err);
    assert!(run.err.contains(&format!("{SHOWN} -> out/{SHOWN}\n")), "{}", run.err);
    for (args, code) in [
        (["restore", STEERING, "-o", STEERING], 2),
        (["restore", "photo.png", "-o", &format!("{STEERING}.bmp")], 2),
        (["restore", &format!("no{STEERING}"), "-o", "out.png"], 1),
        (["plan", "--size", "64x64", &format!("--model=no{STEERING}")], 1),
        (["inspect", STEERING, "--size", "64x64"], 1),
        (["restore", "photo.png", &format!("--{STEERING}"), "out.png"], 2),
    ] {
        let run = room.run(&args);
        assert_eq!(run.code, code, "{}", run.err);
        is_plain(&run.err);
        assert!(run.err.contains("b.png"), "{}", run.err);
    }
}

#[test]
#[cfg(unix)]
fn names_that_steer_the_terminal_in_tables() {
    let room = room();
    for folder in ["in", "targets"] {
        room.make_directory(folder);
        room.put(&format!("{folder}/{STEERING}"), &png(smooth(16, 16)));
    }
    let run = room.run(&["eval", "in", "targets", "--model", "tiny"]).succeeds();
    is_plain(&run.out);
    is_plain(&run.err);
    assert!(run.out.contains(SHOWN), "{}", run.out);
    // What programs read has names as they are.
    let run = room.run(&["eval", "in", "targets", "--model", "tiny", "--format", "json"]).succeeds();
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["images"][0]["name"], STEERING);
}
