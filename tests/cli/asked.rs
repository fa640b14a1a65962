//! `--strength`, `--tta`, `--chain` and `--keep-stages`.

use image::{DynamicImage, ImageFormat, RgbImage};

use crate::photos::*;
use crate::{Room, repository};

/// A room with a photo in 8 bits, the same in floats, and three small networks.
fn room() -> Room {
    let room = Room::new();
    let photo = sample("noisy.png", 29, 18).into_rgb8();
    room.put("photo.png", &png(photo.clone()));
    room.put("photo.tiff", &encode(DynamicImage::from(photo).into_rgb32f(), ImageFormat::Tiff));
    for (name, file) in [("one", "tiny"), ("two", "tiny_shuffle2"), ("three", "tiny_bias_slopes")] {
        room.put(name, &std::fs::read(repository(&format!("golden/{file}.safetensors"))).unwrap());
    }
    room
}

fn restore(room: &Room, input: &str, output: &str, more: &[&str]) {
    let float: &[&str] = if output.contains(".tiff") { &["--float"] } else { &[] };
    room.run(&[&["restore", input, "-q", "-o", output], float, more].concat()).succeeds();
}

fn pixels(room: &Room, name: &str) -> RgbImage {
    room.image(name).into_rgb8()
}

fn floats(room: &Room, name: &str) -> Vec<f32> {
    let DynamicImage::ImageRgb32F(image) = room.image(name) else { panic!("{name} is not in floats") };
    image.into_raw()
}

fn bytes(room: &Room, name: &str) -> Vec<u8> {
    std::fs::read(room.path(name)).unwrap()
}

#[test]
fn strength() {
    let room = room();
    for (output, strength) in
        [("plain", None), ("none", Some("0")), ("half", Some("0.5")), ("full", Some("1"))]
    {
        let more: Vec<&str> =
            ["--model", "one"].into_iter().chain(strength.iter().flat_map(|it| ["--strength", it])).collect();
        restore(&room, "photo.png", &format!("{output}.png"), &more);
        restore(&room, "photo.tiff", &format!("{output}.tiff"), &more);
    }
    assert!(bytes(&room, "full.png") == bytes(&room, "plain.png"));
    assert!(bytes(&room, "full.tiff") == bytes(&room, "plain.tiff"));
    assert!(pixels(&room, "none.png") == pixels(&room, "photo.png"));
    assert_eq!(floats(&room, "none.tiff"), floats(&room, "photo.tiff"));
    let (photo, plain) = (floats(&room, "photo.tiff"), floats(&room, "plain.tiff"));
    let half: Vec<f32> = photo.iter().zip(&plain).map(|(a, b)| a + 0.5 * (b - a)).collect();
    assert_eq!(floats(&room, "half.tiff"), half);
    let rounded: Vec<u8> = half.iter().map(|unit| (unit * 255.0).round_ties_even() as u8).collect();
    assert_eq!(pixels(&room, "half.png").into_raw(), rounded);
    assert_ne!(pixels(&room, "half.png"), pixels(&room, "photo.png"));
}

#[test]
fn symmetries() {
    let room = room();
    let half = sample("noisy.png", 20, 40).into_rgb8();
    let mirror = image::imageops::flip_horizontal(&half);
    let both =
        RgbImage::from_fn(
            40,
            40,
            |x, y| if x < 20 { *half.get_pixel(x, y) } else { *mirror.get_pixel(x - 20, y) },
        );
    room.put("both.png", &png(both));
    let mirrored = |name| pixels(&room, name) == image::imageops::flip_horizontal(&pixels(&room, name));
    assert!(mirrored("both.png"));
    restore(&room, "both.png", "plain.png", &["--model", "one"]);
    restore(&room, "both.png", "mean.png", &["--model", "one", "--tta"]);
    assert!(mirrored("mean.png") && !mirrored("plain.png"));
}

#[test]
fn chains() {
    let room = room();
    restore(&room, "photo.tiff", "between.tiff", &["--model", "one"]);
    restore(&room, "between.tiff", "by_hand.tiff", &["--model", "two"]);
    restore(&room, "photo.tiff", "chain.tiff", &["--chain", "one,two"]);
    assert!(bytes(&room, "chain.tiff") == bytes(&room, "by_hand.tiff"));
    restore(&room, "by_hand.tiff", "three_by_hand.tiff", &["--model", "denoise"]);
    restore(&room, "photo.tiff", "three.tiff", &["--chain", "one,two,denoise"]);
    assert!(bytes(&room, "three.tiff") == bytes(&room, "three_by_hand.tiff"));
    // From 8 bits they go on in floats too.
    restore(&room, "photo.png", "chain.png", &["--chain", "one,two"]);
    let floats = floats(&room, "chain.tiff");
    let rounded: Vec<u8> = floats.iter().map(|unit| (unit * 255.0).round_ties_even() as u8).collect();
    assert_eq!(pixels(&room, "chain.png").into_raw(), rounded);
}

#[test]
fn stages() {
    let room = room();
    restore(&room, "photo.png", "plain.png", &["--model", "one"]);
    restore(&room, "photo.png", "out.png", &["--model", "one", "--keep-stages"]);
    assert!(bytes(&room, "out.png") == bytes(&room, "plain.png"));
    restore(&room, "photo.png", "half.png", &["--model", "one", "--keep-stages", "--strength", "0.5"]);
    for (stage, of) in [("1", "out.stage1.png"), ("2", "out.stage2.png")] {
        restore(&room, "photo.png", "alone.png", &["--model", "one", "--stage", stage]);
        let (alone, kept) = (pixels(&room, "alone.png"), pixels(&room, of));
        assert!(alone.iter().zip(kept.iter()).all(|(a, b)| a.abs_diff(*b) <= 1), "{of}");
        assert!(kept != pixels(&room, "out.png"));
        let blended = pixels(&room, &of.replace("out", "half"));
        let middle = pixels(&room, "photo.png").into_raw().into_iter().zip(kept.iter().copied());
        let apart = |(found, (a, b)): (&u8, (u8, u8))| {
            (f32::from(*found) - f32::midpoint(f32::from(a), f32::from(b))).abs()
        };
        assert!(blended.iter().zip(middle).map(apart).all(|apart| apart <= 1.0), "{of}");
    }
    // Each photo of a directory has its own, in its own format.
    room.make_directory("in");
    room.put("in/a.b.jpg", &encode(smooth(20, 12), ImageFormat::Jpeg));
    room.put("in/c.png", &png(smooth(20, 12)));
    restore(&room, "in", "made", &["--model", "one", "--keep-stages"]);
    let mut names: Vec<_> = std::fs::read_dir(room.path("made"))
        .unwrap()
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["a.b.jpg", "a.b.stage1.jpg", "a.b.stage2.jpg", "c.png", "c.stage1.png", "c.stage2.png"]
    );
    std::fs::remove_file(room.path("made/a.b.jpg")).unwrap();
    std::fs::remove_file(room.path("made/c.png")).unwrap();
    let again = ["restore", "in", "-o", "made", "--model", "one", "--keep-stages"];
    room.refuses(&again, 2, &["a.b.stage1.jpg exists already; --overwrite replaces it"]);
    room.run(&[&again[..], &["-q", "--skip-existing"]].concat()).succeeds();
    // A photo that has the name of another's stage, and is there already.
    room.put("in/c.stage1.png", &png(smooth(20, 12)));
    std::fs::remove_file(room.path("made/c.png")).unwrap();
    let there = std::fs::read(room.path("made/c.stage1.png")).unwrap();
    let skipping = [&again[..], &["--skip-existing"]].concat();
    room.refuses(&skipping, 2, &["c.stage1.png", "would overwrite"]);
    assert!(std::fs::read(room.path("made/c.stage1.png")).unwrap() == there);
}

#[test]
fn what_does_not_go_together() {
    let room = room();
    let refused = |more: &[&str], words: &[&str]| {
        room.refuses(&[&["restore", "photo.png", "-o", "out.png"], more].concat(), 2, words);
    };
    for strength in ["-0.1", "1.5", "NaN", "much"] {
        refused(&[&format!("--strength={strength}")], &["--strength", "a number from 0 to 1 is expected"]);
    }
    refused(&["--chain", "one,two", "--model", "three"], &["--chain", "cannot be used with"]);
    refused(&["--keep-stages", "--stage", "2"], &["--keep-stages", "cannot be used with"]);
    refused(&["--keep-stages", "--compare", "out.stage1.png"], &["out.stage1.png would be written twice"]);
    refused(&["--keep-stages", "--report", "out.stage2.png"], &["out.stage2.png would be written twice"]);
    refused(
        &["--report", "other.jpg"],
        &["--report writes a web page, and other.jpg is the name of a photo"],
    );
    refused(&["--dump", "stage1=other.tiff"], &["--dump writes a safetensors file", "the name of a photo"]);
    refused(&["--dump", "stage1=scores.csv"], &["scores.csv is the name of comma-separated values"]);
    refused(&["--report", "w.safetensors"], &["--report writes a web page", "the name of a file of weights"]);
    for command in ["bench", "profile", "conformance"] {
        for (file, of) in [("photo.png", "a photo"), ("w.pth", "a file of weights")] {
            room.refuses(&[command, "-o", file], 2, &[&format!("{file} is the name of {of}")]);
        }
    }
    room.refuses(&["bench", "-o", "table.html"], 2, &["-o writes a table, CSV or JSON", "a web page"]);
    refused(&["--compare", "strip.gif"], &["--compare writes a photo, and strip.gif does not end in .png"]);
    room.make_directory("models");
    refused(&["--model", "models"], &["models is a directory; -n NAME says"]);
    refused(&["--model", "denoize"], &["no file denoize; the models in this program are derain, denoise"]);
    let stream = ["restore", "photo.png", "-o", "-", "--format", "png"];
    room.refuses(&[&stream[..], &["--keep-stages"]].concat(), 2, &["standard output is none"]);
    room.refuses(&[&stream[..], &["--report", "a.html"]].concat(), 2, &["standard output is none"]);
    let chain = ["restore", "photo.png", "-o", "out.png", "--chain", "one,nothing"];
    room.refuses(&chain, 1, &["nothing"]);
    let chain = ["restore", "photo.png", "-o", "one", "--format", "png", "--chain", "one,two"];
    room.refuses(&chain, 2, &["one would overwrite one, which is read"]);
}
