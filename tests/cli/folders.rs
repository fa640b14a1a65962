//! Directories and trees: what is restored, under which names, in which order, and what is left alone.

use std::fs;

use crate::photos::*;
use crate::{Room, Run, printed, repository};

/// A room with a quick network, `tiny`, and a tree of photos, `in`.
fn room() -> Room {
    let room = Room::new();
    room.put("tiny", &fs::read(repository("golden/tiny.safetensors")).unwrap());
    for directory in ["in", "in/sub", "in/sub/deep", "in/.hidden"] {
        room.make_directory(directory);
    }
    for (name, side) in
        [("10.png", 10), ("2.png", 2), ("sub/7.png", 7), ("sub/deep/5", 5), (".hidden/3.png", 3)]
    {
        room.put(&format!("in/{name}"), &png(smooth(side, side)));
    }
    room.put("in/notes.txt", b"Dear all");
    room.put("in/.4.png", &png(smooth(4, 4)));
    room
}

fn restore(room: &Room, args: &[&str]) -> Run {
    room.run(&[&["restore", "--model", "tiny"], args].concat())
}

/// The names of files in a tree, as systems with slashes have them.
fn files(room: &Room, directory: &str) -> Vec<String> {
    let root = room.path(directory);
    let files = room.contents().into_keys().filter(|path| path.is_file());
    let name = |path: &std::path::Path| Some(path.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/"));
    files.filter_map(|path| name(&path)).collect()
}

#[test]
fn a_tree_becomes_a_tree() {
    let room = room();
    let run = restore(&room, &["-r", "in", "-o", "out/clean"]).succeeds();
    let restored: Vec<&str> = run.err.lines().filter_map(|line| Some(line.split_once(" -> ")?.0)).collect();
    let expected = ["in/2.png", "in/10.png", "in/sub/7.png", "in/sub/deep/5"].map(printed);
    assert_eq!(restored, expected);
    assert!(run.err.contains("4 restored, 1 other file is of no format that is read, in "), "{}", run.err);
    assert_eq!(files(&room, "out/clean"), ["10.png", "2.png", "sub/7.png", "sub/deep/5"]);
    for (name, side) in [("2.png", 2), ("10.png", 10), ("sub/7.png", 7), ("sub/deep/5", 5)] {
        assert_eq!(room.image(&format!("out/clean/{name}")).width(), side, "{name}");
    }
}

#[test]
fn a_directory_is_taken_without_those_below() {
    let room = room();
    restore(&room, &["in", "-o", "out", "-f", "webp"]).succeeds();
    assert_eq!(files(&room, "out"), ["10.webp", "2.webp"]);
}

#[test]
fn what_is_there_is_an_error_or_stays_or_is_replaced() {
    let room = room();
    room.make_directory("out");
    room.put("out/10.png", b"an older picture");
    let words = [&printed("out/10.png exists already; --skip-existing leaves")[..], "--overwrite replaces"];
    room.refuses(&["restore", "in", "-o", "out"], 2, &words);
    room.refuses(
        &["restore", "in", "-o", "out", "--skip-existing", "--overwrite"],
        2,
        &["cannot be used with"],
    );
    let run = restore(&room, &["in", "-o", "out", "--skip-existing"]).succeeds();
    assert!(
        run.err.contains("1 restored, 1 there already, 1 other file is of no format that is read, in "),
        "{}",
        run.err
    );
    assert_eq!(fs::read(room.path("out/10.png")).unwrap(), b"an older picture");
    // Where nothing is left to do, no adapter is needed.
    let args = ["restore", "in", "-o", "out", "--skip-existing"];
    let run = Run::of(crate::arguments::without_adapters(&mut room.command(args))).succeeds();
    assert!(run.err.starts_with("0 restored, 2 there already, "), "{}", run.err);
    room.refuses(&["restore", "in", "-o", "out"], 2, &["and one more exist already"]);
    restore(&room, &["in", "-o", "out", "--overwrite"]).succeeds();
    assert_eq!(room.image("out/10.png").width(), 10);
}

/// Beside their photos results have other names, and are no photos to restore the next time.
#[test]
fn results_beside_their_photos() {
    let room = room();
    for _ in 0..2 {
        restore(&room, &["in", "-o", "in", "--suffix", "_clean", "--overwrite", "--keep-stages"]).succeeds();
        let stages = |name: &str| ["png", "stage1.png", "stage2.png"].map(|it| format!("{name}_clean.{it}"));
        let [of_10, of_2] = [stages("10"), stages("2")];
        let names = [&[".4.png", "10.png"].map(str::to_owned)[..], &of_10, &["2.png".to_owned()], &of_2];
        let names = [names.concat(), vec!["notes.txt".to_owned()]].concat();
        let found = files(&room, "in");
        assert_eq!(
            found.iter().filter(|name| !name.contains('/')).collect::<Vec<_>>(),
            names.iter().collect::<Vec<_>>()
        );
    }
    // Results that are named are meant.
    let named = ["restore", "in/10.png", "in/10_clean.png", "-o", "in", "--suffix", "_clean", "--overwrite"];
    room.refuses(&named, 2, &["would overwrite", "which is read"]);
    room.refuses(&["restore", "in", "-o", "in"], 2, &["would overwrite its own input"]);
    let words = ["a suffix is for names in a directory"];
    room.refuses(&["restore", "in/2.png", "-o", "out.png", "--suffix", "_x"], 2, &words);
    room.refuses(&["restore", "in", "-o", "out", "--suffix", "/x"], 2, &["a suffix is a part of a name"]);
}

/// In a tree the directory of results is no input.
#[test]
fn results_below_their_photos() {
    let room = room();
    for _ in 0..2 {
        restore(&room, &["-r", "in", "-o", "in/clean", "--overwrite"]).succeeds();
        assert_eq!(files(&room, "in/clean"), ["10.png", "2.png", "sub/7.png", "sub/deep/5"]);
    }
}

#[test]
fn files_and_directories_together() {
    let room = room();
    room.put("photo.png", &png(smooth(9, 9)));
    restore(&room, &["photo.png", "-i", "in", "-o", "out/"]).succeeds();
    assert_eq!(files(&room, "out"), ["10.png", "2.png", "photo.png"]);
    room.put("2.png", &png(smooth(9, 9)));
    room.refuses(&["restore", "2.png", "in", "-o", "new"], 2, &["would both become"]);
    room.refuses(
        &["restore", "in", "-o", "tiny"],
        2,
        &["photos from a directory need an output directory", "tiny is none"],
    );
    room.refuses(
        &["restore", "in", "-o", "new.png"],
        2,
        &["need an output directory, and new.png looks like a file"],
    );
    restore(&room, &["2.png", "-o", "made/"]).succeeds();
    assert_eq!(room.image("made/2.png").width(), 9);
}

/// One line for each, and the others are restored.
#[test]
fn what_is_bad_stops_nothing() {
    let room = room();
    room.put("in/5.png", &png(smooth(9, 9))[..40]);
    room.put("in/6.png", b"");
    room.make_directory("empty");
    let run = restore(&room, &["in", "empty", "-o", "out"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
    let [empty, cut, nothing] = errors[..] else { panic!("{}", run.err) };
    assert!(empty.contains("the images in empty: there is none"), "{empty}");
    assert!(cut.contains(&printed("cannot read in/5.png")) && nothing.contains("it is empty (0 bytes)"));
    assert!(
        run.err.contains("2 restored, 2 failed, 1 other file is of no format that is read"),
        "{}",
        run.err
    );
    assert_eq!(files(&room, "out"), ["10.png", "2.png"]);
}

/// Directories are not gone through twice, nor for ever; what a photo's name promises is missed.
#[test]
#[cfg(unix)]
fn links_in_a_tree() {
    use std::os::unix::fs::symlink;
    let room = room();
    room.put("elsewhere", &png(smooth(9, 9)));
    symlink("..", room.path("in/sub/loop")).unwrap();
    symlink("../elsewhere", room.path("in/link")).unwrap();
    symlink("nowhere", room.path("in/gone.png")).unwrap();
    symlink("nowhere", room.path("in/gone.txt")).unwrap();
    let run = restore(&room, &["-r", "in", "-o", "out"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors.len() == 1 && errors[0].starts_with("error: cannot read in/gone.png: "), "{}", run.err);
    assert_eq!(files(&room, "out"), ["10.png", "2.png", "link", "sub/7.png", "sub/deep/5"]);
}

#[test]
fn models_by_directory_and_name() {
    let room = room();
    room.make_directory("models");
    fs::rename(room.path("tiny"), room.path("models/tiny.safetensors")).unwrap();
    let ncnn = [
        "restore", "-i", "in", "-o", "out", "-m", "models", "-n", "tiny", "-g", "auto", "-f", "jpg", "-j",
        "1:2,2:2",
    ];
    room.run(&ncnn).succeeds();
    assert_eq!(files(&room, "out"), ["10.jpg", "2.jpg"]);
    let named = |more: &[&'static str]| [&["restore", "in/2.png", "-o", "out.png"], more].concat();
    room.refuses(&named(&["-n", "huge"]), 2, &["no model huge in this program"]);
    room.refuses(&named(&["-m", "models", "-n", "huge"]), 2, &["there is no huge.safetensors", "in models"]);
    room.refuses(&named(&["-j", "1:0:2"]), 2, &["LOAD:PROC:SAVE is expected"]);
}

#[test]
fn trees_of_photos_and_targets() {
    let room = room();
    for (name, side) in [("a/1", 16), ("b/1", 24)] {
        for (tree, format) in [("noisy", image::ImageFormat::Png), ("clean", image::ImageFormat::Tiff)] {
            let place = format!("{tree}/{name}.{}", format.extensions_str()[0]);
            fs::create_dir_all(room.path(&place).parent().unwrap()).unwrap();
            room.put(&place, &encode(smooth(side, side), format));
        }
    }
    let eval = ["eval", "noisy", "clean", "--model", "tiny", "--format", "json"];
    room.refuses(&eval, 1, &["directories below are left out; -r takes"]);
    room.make_directory("strips");
    let run = room.run(&[&eval[..], &["-r", "--compare", "strips"]].concat()).succeeds();
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let names: Vec<_> =
        report["images"].as_array().unwrap().iter().map(|image| image["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a/1.png", "b/1.png"].map(printed));
    assert_eq!(files(&room, "strips"), ["a/1.png", "b/1.png"]);
    let run = room.run(&["calibrate", "-q", "tiny", "-r", "noisy"]).succeeds();
    for name in ["noisy/a/1.png", "noisy/b/1.png"].map(printed) {
        assert!(run.out.contains(&name), "{}", run.out);
    }
}
