//! What is told of a run, before, during and after it.

use image::RgbImage;
use mprnet::model::Export;
use serde_json::Value;

use crate::photos::*;
use crate::{Room, Run, overflowing, printed, repository};

/// A room with a quick network, two photos, something else and a photo that cannot be read.
fn room() -> Room {
    let room = Room::new();
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    for directory in ["in", "out"] {
        room.make_directory(directory);
    }
    for (name, side) in [("1.png", 20), ("2.png", 30)] {
        room.put(&format!("in/{name}"), &png(smooth(side, 10)));
    }
    room.put("in/bad.png", b"no photo");
    room.put("in/notes.txt", b"Dear all");
    room
}

fn restore(room: &Room, more: &[&str]) -> Run {
    room.run(&[&["restore", "--model", "tiny", "in", "-o", "out"], more].concat())
}

fn texts<'a>(of: &'a [Value], name: &str) -> Vec<&'a str> {
    of.iter().map(|value| value[name].as_str().unwrap()).collect()
}

/// Nothing is opened or made: not even an adapter.
#[test]
fn a_dry_run_says_what_would_be_written() {
    let room = room();
    room.put("out/2.png", b"an older picture");
    let before = room.contents();
    let args = ["restore", "in", "-o", "out", "--skip-existing", "--dry-run"];
    let run = Run::of(crate::arguments::without_adapters(&mut room.command(args))).succeeds();
    let lines =
        ["in/1.png -> out/1.png", "in/bad.png -> out/bad.png", "in/2.png -> out/2.png (there already)"];
    assert_eq!(run.out, lines.map(|line| printed(line) + "\n").concat());
    assert_eq!(run.err, "");
    let run = restore(&room, &["--skip-existing", "--dry-run", "--json"]).succeeds();
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(texts(summary["files"].as_array().unwrap(), "result"), ["skipped", "planned", "planned"]);
    restore(&room, &["--dry-run"]).fails(2, &["exists already"]);
    let run = room.run(&["restore", "in", "-o", "new/er", "--dry-run"]).succeeds();
    assert!(run.out.replace('\\', "/").contains("-> new/er/1.png\n"), "{}", run.out);
    let one = ["restore", "in/1.png", "-o", "o.png", "--dry-run"];
    let besides =
        ["--keep-stages", "--dump", "stage1=d.st", "--compare", "strip.png", "--report", "page.html"];
    let run = room.run(&[&one[..], &besides].concat()).succeeds();
    let outputs = ["o.png", "o.stage1.png", "o.stage2.png", "d.st", "strip.png"];
    let lines = outputs.map(|output| printed("in/1.png") + " -> " + output + "\n").concat();
    assert_eq!(run.out, lines + "all -> page.html\n");
    room.run(&["restore", "in/9.png", "-o", "o.png", "--dry-run"]).fails(1, &["cannot read", "9.png"]);
    room.run(&["restore", "in/1.png", "-o", "o.xyz", "--dry-run"])
        .fails(2, &["o.xyz", "the name must end in"]);
    assert!(before == room.contents());
}

#[test]
fn a_summary_of_what_could_not_begin() {
    let room = room();
    room.put("none.pth", b"no weights");
    let run = room.run(&["restore", "--model", "none.pth", "in", "-o", "out", "--json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    let files = summary["files"].as_array().unwrap();
    assert_eq!(texts(files, "result"), ["failed"; 3]);
    for error in [&summary["errors"][0], &files[0]["error"]] {
        assert!(error.as_str().unwrap().contains("none.pth"), "{error}");
    }
    let run = room.run(&["restore", "in/1.png", "-o", "none/o.png", "--json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    assert!(summary["errors"][0].as_str().unwrap().contains("no directory none"), "{summary}");
}

#[test]
fn a_summary_for_programs() {
    let room = room();
    room.put("out/2.png", b"an older picture");
    let run = restore(&room, &["--skip-existing", "--json", "--precision", "f16"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let summary: Value = serde_json::from_str(&run.out).unwrap();
    let files = summary["files"].as_array().unwrap();
    assert_eq!(texts(files, "result"), ["skipped", "written", "failed"]);
    assert_eq!(texts(files, "input"), ["in/2.png", "in/1.png", "in/bad.png"].map(printed));
    assert!(files[2]["error"].as_str().unwrap().contains("it is not an image"));
    assert_eq!((&files[1]["width"], &files[1]["height"]), (&20.into(), &10.into()));
    for phase in ["read", "restore", "write"] {
        assert!(files[1]["seconds"][phase].as_f64().unwrap() > 0.0, "{phase}");
    }
    assert_eq!(summary["precision"], "f16");
    assert_eq!(summary["others"], 1);
    let devices = room.run(&["devices"]).succeeds().out;
    assert!(devices.contains(summary["adapter"].as_str().unwrap()), "{devices}");
    // A photo of 24x16 as it is padded, in f16 and four channels at the least.
    assert!(summary["memory"]["device"].as_u64().unwrap() > 24 * 16 * 8);
    if cfg!(target_os = "linux") {
        assert!(summary["memory"]["host"].as_u64().unwrap() > 1 << 20);
    }
}

/// What is counted as transfers and as the adapter's work is a part of restoring, however a photo is restored.
#[test]
fn seconds_are_of_the_whole() {
    let room = room();
    room.put("tall.png", &png(smooth(32, 64)));
    let ways: [&[&str]; 3] =
        [&["--model", "tiny"], &["--model", "tiny", "--max-memory", "600K"], &["--chain", "tiny,tiny"]];
    for how in ways {
        let args = ["restore", "tall.png", "-o", "tall-out.png", "--overwrite", "-q", "--json"];
        let run = room.run(&[&args, how].concat()).succeeds();
        let summary: Value = serde_json::from_str(&run.out).unwrap();
        let seconds = |name: &str| summary["files"][0]["seconds"][name].as_f64().unwrap();
        let parts = ["upload", "gpu", "download"].map(seconds);
        assert!(parts.iter().all(|&part| part > 0.0), "{how:?}: {parts:?}");
        // The adapter's clock is not the host's.
        let (all, restore) = (parts.iter().sum::<f64>(), seconds("restore"));
        assert!(all <= 1.05 * restore, "{how:?}: {parts:?} of {restore}");
    }
}

#[test]
fn progress_for_programs() {
    let room = room();
    room.put("out/2.png", b"an older picture");
    let run = restore(&room, &["--skip-existing", "--progress", "json", "-q"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    let lines: Vec<Value> = run.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (ends, during): (Vec<Value>, Vec<Value>) =
        lines.into_iter().partition(|line| !line["result"].is_null());
    assert_eq!(texts(&ends, "result"), ["skipped", "written", "failed"]);
    assert_eq!(texts(&ends, "output"), ["out/2.png", "out/1.png", "out/bad.png"].map(printed));
    assert_eq!(ends.iter().map(|line| line["done"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(ends.iter().chain(&during).all(|line| line["total"] == 2));
    assert!(ends[2]["error"].as_str().unwrap().contains("it is not an image") && ends[1]["error"].is_null());
    let mut reached = 0.0;
    for line in &during {
        let fraction = line["fraction"].as_f64().unwrap();
        assert!(line["file"] == printed("in/1.png") && (reached..=1.0).contains(&fraction), "{line}");
        assert!(line["seconds_left"].is_null() || line["seconds_left"].as_f64().unwrap() >= 0.0);
        reached = fraction;
    }
    assert!(reached > 0.0);
}

/// Errors are told all the same.
#[test]
fn no_progress() {
    let room = room();
    let run = restore(&room, &["--progress", "none", "-q"]);
    assert_eq!((run.code, run.out.as_str(), run.err.lines().count()), (1, "", 1));
    let run = restore(&room, &["--progress", "bar", "-q", "--overwrite"]);
    // There is no terminal to draw it on.
    assert_eq!((run.code, run.err.lines().count()), (1, 1), "{}", run.err);
}

/// Where colours are forced, those who want none have none.
#[test]
fn no_colours() {
    let room = Room::new();
    let colours = |no_color: &str| {
        let mut command = room.command(["restore", "--colours"]);
        Run::of(command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", no_color)).err.contains('\u{1b}')
    };
    assert!(colours("") && !colours("1"));
}

#[test]
fn every_exit_code_is_explained() {
    let help = Room::new().run(&["--help"]).succeeds().out;
    let guide = std::fs::read_to_string(repository("docs/guide.md")).unwrap();
    for text in [help, guide] {
        let (_, codes) = text.split_once("Exit codes: ").unwrap();
        let codes: String = codes.split_whitespace().collect::<Vec<_>>().join(" ");
        for code in [
            "0 all done",
            "1 a file",
            "2 wrong",
            "3 no usable GPU",
            "4 an internal error",
            "130 interrupted",
            "143 ",
        ] {
            assert!(codes.contains(code), "{code}: {codes}");
        }
    }
}

/// Black where the photo is not: nobody wants that written without a word.
#[test]
fn a_black_result_of_what_is_not_is_told() {
    let tiny = overflowing::tiny();
    let bias = tiny.params().find(|param| param.name == "tail.bias").unwrap().data.clone();
    let dark = overflowing::changed(&tiny, |key, i| if key == "tail.bias" { -9.0 / bias[i] } else { 1.0 });
    let room = Room::with_photo();
    room.put("dark.safetensors", &dark.to_safetensors(&Export::default()).unwrap());
    room.put("black.png", &png(RgbImage::new(16, 16)));
    for (photo, warned) in [("photo.png", true), ("black.png", false)] {
        let run = room
            .run(&["restore", "--model", "dark.safetensors", photo, "-o", "out.png", "--overwrite"])
            .succeeds();
        assert!(room.image("out.png").to_rgb8().iter().all(|&v| v == 0));
        assert_eq!(run.err.contains("the result is black and the photo is not"), warned, "{}", run.err);
    }
}
