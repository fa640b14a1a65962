//! The embedded models by task, and strips of input, output and target.

use image::{DynamicImage, GenericImageView, RgbImage};

use crate::photos::*;
use crate::{Room, repository};

/// Of strips of small pictures: a letter's width, the band of labels, the gap.
const LETTER: u32 = 9;
const BAND: u32 = 21;
const GAP: u32 = 4;

/// A room with a photo, `photo.png`, a target of its size and a small network, `tiny`.
fn room() -> Room {
    let room = Room::with_photo();
    room.put("target.png", &png(smooth(24, 17).rotate180()));
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room
}

fn part(strip: &RgbImage, x: u32, y: u32, like: &DynamicImage) -> RgbImage {
    strip.view(x, y, like.width(), like.height()).to_image()
}

/// Finds the letters of a label in the band above a column, and nothing behind them.
#[track_caller]
fn is_labelled(strip: &RgbImage, left: u32, right: u32, label: &str) {
    let inked = |x: u32| (0..BAND).any(|y| strip.get_pixel(x, y).0 == [0; 3]);
    let letter = |at: u32| left + at * LETTER..left + (at + 1) * LETTER;
    for (at, character) in (0..).zip(label.chars()) {
        assert_eq!(letter(at).any(inked), character != ' ', "{character} of {label}");
    }
    assert!(!(letter(label.len() as u32).start..right).any(inked), "{label}");
}

/// Each task has a model of its own, and its command does what `restore` does with that model.
#[test]
fn tasks_use_their_models() {
    let room = Room::new();
    room.put("photo.png", &png(sample("noisy.png", 16, 16)));
    let mut results = Vec::new();
    for task in ["derain", "denoise", "deblur"] {
        let [out, same] = [format!("{task}.png"), format!("{task}-model.png")];
        room.run(&[task, "photo.png", "-q", "-o", &out]).succeeds();
        let model = repository(&format!("models/{task}.safetensors"));
        room.run(&["restore", "photo.png", "-q", "-o", &same, "--model", model.to_str().unwrap()]).succeeds();
        assert!(room.image(&out) == room.image(&same), "{task}");
        results.push(room.image(&out));
    }
    assert!(results[0] != results[1] && results[1] != results[2] && results[0] != results[2]);
    room.run(&["restore", "photo.png", "-q", "-o", "default.png"]).succeeds();
    assert!(room.image("default.png") == results[1]);
    let named = ["restore", "photo.png", "-q", "-o", "named.png", "--model", "deblur", "--compare", "s.png"];
    room.run(&named).succeeds();
    assert!(room.image("named.png") == results[2]);
    assert_eq!(room.image("s.png").width(), 5 * LETTER + GAP + 15 * LETTER, "output (deblur)");
    // A file of that name goes first.
    room.put("deblur", b"no weights");
    room.refuses(
        &["restore", "photo.png", "-o", "out.png", "--model", "deblur"],
        1,
        &["weights from deblur"],
    );
}

#[test]
fn tasks_take_the_options_of_restore() {
    let room = Room::with_photo();
    room.make_directory("out");
    let args =
        ["derain", "photo.png", "-q", "-o", "out", "--precision", "f16", "--stage", "1", "--no-passes"];
    room.run(&[&args[..], &["--dump", "stage1=d.st", "--compare", "strip.png"]].concat()).succeeds();
    let names = room.contents().into_keys().map(|path| path.file_name().unwrap().to_owned());
    assert_eq!(names.collect::<Vec<_>>(), ["d.st", "out", "photo.png", "photo.png", "strip.png"]);
    // "output (derain)" is wider than the photo.
    let strip = room.image("strip.png").into_rgb8();
    assert_eq!(strip.dimensions(), (5 * LETTER + GAP + 15 * LETTER, BAND + 17));
    is_labelled(&strip, 5 * LETTER + GAP, strip.width(), "output (derain)");
}

#[test]
fn strip_of_input_and_output() {
    let room = room();
    room.put("photo.png", &png(smooth(61, 40)));
    let args = ["restore", "photo.png", "-o", "out.png", "--model", "tiny", "--compare", "strip.png"];
    let run = room.run(&args).succeeds();
    assert!(run.err.ends_with("photo.png -> out.png\n"), "{}", run.err);
    let strip = room.image("strip.png").into_rgb8();
    assert_eq!(strip.dimensions(), (61 + GAP + 61, BAND + 40));
    let [photo, restored] = ["photo.png", "out.png"].map(|name| room.image(name));
    assert!(part(&strip, 0, BAND, &photo) == photo.into_rgb8());
    assert!(part(&strip, 61 + GAP, BAND, &restored) == restored.into_rgb8());
    is_labelled(&strip, 0, 61, "input");
    is_labelled(&strip, 61 + GAP, strip.width(), "output");
}

/// 16 bits, grey and transparency, next to a target of another kind.
#[test]
fn strip_with_a_target() {
    let room = room();
    room.put("photo.png", &png(DynamicImage::from(grey_with_alpha(60, 20)).into_luma_alpha16()));
    room.put("target.png", &png(smooth(60, 20)));
    let args = ["restore", "photo.png", "-q", "-o", "out.png", "--model", "tiny"];
    room.run(&[&args[..], &["--compare", "strip.png", "--target", "target.png"]].concat()).succeeds();
    let strip = room.image("strip.png").into_rgb8();
    assert_eq!(strip.dimensions(), (3 * 60 + 2 * GAP, BAND + 20));
    assert!(matches!(room.image("out.png"), DynamicImage::ImageLumaA16(_)));
    for (at, name) in (0..).zip(["photo.png", "out.png", "target.png"]) {
        let picture = room.image(name);
        let shown = part(&strip, at * (60 + GAP), BAND, &picture);
        // This library rounds 16 bits in its own way.
        let apart = shown.iter().zip(picture.into_rgb8().iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(1), "{name}: {apart:?}");
    }
    is_labelled(&strip, 2 * (60 + GAP), strip.width(), "target");
}

const COMPARE: [&str; 8] =
    ["restore", "photo.png", "-o", "out.png", "--model", "tiny", "--compare", "strip.png"];

#[test]
fn strips_of_one_photo_only() {
    let room = room();
    room.make_directory("out");
    let args = ["denoise", "photo.png", "target.png", "-o", "out", "--compare", "strip.png"];
    room.refuses(&args, 2, &["--compare takes one photo"]);
}

#[test]
fn target_without_a_strip() {
    let room = room();
    room.refuses(&[&COMPARE[..6], &["--target", "target.png"]].concat(), 2, &["required arguments"]);
    room.refuses(&["deblur", "photo.png", "-o", "out.png", "--model", "tiny"], 2, &["--model"]);
}

#[test]
fn targets_that_do_not_fit() {
    let room = room();
    room.put("low.png", &png(smooth(24, 16)));
    room.put("narrow.png", &png(smooth(23, 17)));
    room.put("note.txt", b"no picture");
    let with = |target: &'static str| [&COMPARE[..], &["--target", target]].concat();
    room.refuses(&with("low.png"), 1, &["24 x 17 pixels and its target 24 x 16"]);
    room.refuses(&with("narrow.png"), 1, &["24 x 17 pixels and its target 23 x 17"]);
    room.refuses(&with("note.txt"), 1, &["cannot read note.txt"]);
    room.refuses(&with("none.png"), 1, &["cannot read none.png"]);
}

#[test]
fn strips_over_other_files() {
    let room = room();
    let onto = |strip: &'static str, more: &[&'static str]| [&COMPARE[..7], &[strip], more].concat();
    room.refuses(&onto("photo.png", &[]), 2, &["photo.png would overwrite photo.png, which is read"]);
    room.refuses(&onto("tiny", &[]), 2, &["tiny would overwrite tiny, which is read"]);
    room.refuses(&onto("./out.png", &[]), 2, &["./out.png would be written twice"]);
    room.refuses(&onto("d.png", &["--dump", "stage1=d.png"]), 2, &["d.png would be written twice"]);
    let target = ["--target", "target.png"];
    room.refuses(&onto("./target.png", &target), 2, &["would overwrite target.png, which is read"]);
    let args = ["restore", "photo.png", "-o", "target.png", "--compare", "strip.png"];
    room.refuses(
        &[&args[..], &target].concat(),
        2,
        &["target.png would overwrite target.png, which is read"],
    );
}

#[test]
fn strips_that_cannot_be_written() {
    let room = room();
    room.make_directory("album.png");
    let onto = |strip: &'static str| [&COMPARE[..7], &[strip]].concat();
    room.refuses(&onto("strip.bmp"), 2, &["strip.bmp does not end in .png, .jpg"]);
    room.refuses(&onto("none/strip.png"), 1, &["there is no directory none; create it first"]);
    room.refuses(&onto("album.png"), 1, &["album.png", "it is a directory"]);
    room.put("photo.png", &png(RgbImage::new(8200, 1)));
    room.refuses(&onto("strip.webp"), 1, &["strip.webp", "WebP holds at most 16383 pixels a side"]);
}
