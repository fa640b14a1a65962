//! Photos through standard streams.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::photos::*;
use crate::{Room, repository};

fn room() -> Room {
    let room = Room::with_photo();
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room
}

/// Runs a command with these bytes as its standard input: code, output and messages.
fn fed(command: &mut Command, bytes: &[u8]) -> (Option<i32>, Vec<u8>, String) {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let feeder = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    // What is refused early reads nothing.
    let _ = feeder.join().unwrap();
    (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_photo_through_pipes() {
    let room = room();
    room.run(&["restore", "-q", "--model", "tiny", "photo.png", "-o", "out.webp"]).succeeds();
    let bytes = std::fs::read(room.path("photo.png")).unwrap();
    let args = ["restore", "--model", "tiny", "-", "-o", "-", "--format", "webp", "--json"];
    let (code, out, err) = fed(&mut room.command(args), &bytes);
    assert_eq!(code, Some(0), "{err}");
    assert!(out == std::fs::read(room.path("out.webp")).unwrap());
    assert!(err.contains("standard input -> standard output\n"), "{err}");
    // The summary goes where the picture does not.
    let summary: serde_json::Value = serde_json::from_str(&err[err.find("\n{").unwrap()..]).unwrap();
    assert_eq!(summary["files"][0]["result"], "written");
    assert_eq!(summary["files"][0]["width"], 24);
}

#[test]
fn one_side_may_be_a_file() {
    let room = room();
    let bytes = std::fs::read(room.path("photo.png")).unwrap();
    let (code, out, err) =
        fed(&mut room.command(["restore", "-q", "--model", "tiny", "-", "-o", "out.png"]), &bytes);
    assert_eq!((code, out.len(), err.as_str()), (Some(0), 0, ""));
    let args = ["restore", "-q", "--model", "tiny", "photo.png", "-o", "-", "-f", "png"];
    let (code, out, err) = fed(&mut room.command(args), b"");
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out == std::fs::read(room.path("out.png")).unwrap());
}

#[test]
fn streams_that_make_no_sense() {
    let room = room();
    room.put("other.png", &png(smooth(9, 9)));
    room.make_directory("in");
    room.put("in/a.png", &png(smooth(9, 9)));
    for (args, words) in [
        (
            &["photo.png", "-o", "-"][..],
            "standard output has no name that tells the format, which must be given (--format png)",
        ),
        (
            &["photo.png", "other.png", "-o", "-", "-f", "png"],
            "standard output takes one photo, and there are 2",
        ),
        (&["in", "-o", "-", "-f", "png"], "a directory cannot become standard output"),
        (&["-", "-o", "in"], "standard input has no name for a directory"),
        (&["photo.png", "-o", "-", "-f", "png", "--suffix", "x"], "a suffix is for names in a directory"),
    ] {
        room.refuses(&[&["restore"], args].concat(), 2, &[words]);
    }
}

/// Named as what it is.
#[test]
fn a_stream_that_is_no_photo() {
    let room = room();
    for (bytes, words) in [(&b""[..], "it is empty (0 bytes)"), (b"Dear all", "it is not an image")] {
        let (code, out, err) = fed(&mut room.command(["restore", "-", "-o", "out.png"]), bytes);
        assert_eq!((code, out.len()), (Some(1), 0));
        assert!(err.starts_with("error: cannot read standard input: ") && err.contains(words), "{err}");
    }
}
