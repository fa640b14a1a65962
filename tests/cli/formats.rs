//! In which format photos are written, and what of a damaged one is.

use image::ImageFormat;

use crate::photos::*;
use crate::{Room, repository};

/// A room with a small network, and photos under names of all kinds.
fn room() -> Room {
    let room = Room::new();
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    let photo = smooth(24, 17);
    for name in ["photo.jpg", "Photo.JPG", "photo.jfif", "photo.jpe", "scan", "scan.2024"] {
        room.put(name, &encode(photo.clone(), ImageFormat::Jpeg));
    }
    room.put("photo.png", &png(photo));
    room.make_directory("out");
    room
}

impl Room {
    fn restores(&self, photos: &[&str], more: &[&str]) {
        self.run(&[&["restore", "-q", "--model", "tiny"], photos, more].concat()).succeeds();
    }

    /// The formats of the files in `out`, by name.
    fn written(&self) -> Vec<(String, ImageFormat)> {
        let mut files: Vec<_> = std::fs::read_dir(self.path("out"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let bytes = std::fs::read(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), image::guess_format(&bytes).unwrap())
            })
            .collect();
        files.sort_by_key(|(name, _): &(String, ImageFormat)| name.clone());
        files
    }

    #[track_caller]
    fn has_written(&self, expected: &[(&str, ImageFormat)]) {
        let expected: Vec<_> = expected.iter().map(|&(name, format)| (name.to_owned(), format)).collect();
        assert_eq!(self.written(), expected);
    }
}

/// Names that tell a format are kept, and so are those that tell none.
#[test]
fn names_without_a_format() {
    let room = room();
    room.restores(&["Photo.JPG", "photo.jfif", "photo.jpe", "scan", "scan.2024"], &["-o", "out"]);
    room.has_written(
        &["Photo.JPG", "photo.jfif", "photo.jpe", "scan", "scan.2024"].map(|name| (name, ImageFormat::Jpeg)),
    );
}

#[test]
fn names_with_the_format_that_is_asked_for() {
    let room = room();
    room.restores(&["photo.jpg", "scan.2024", "scan"], &["-o", "out", "--format", "tiff"]);
    room.has_written(&["photo.tiff", "scan.2024.tiff", "scan.tiff"].map(|name| (name, ImageFormat::Tiff)));
    let room = self::room();
    room.restores(&["photo.jfif", "Photo.JPG"], &["-o", "out", "--format", "jpg", "--quality", "80"]);
    room.has_written(&[("Photo.JPG", ImageFormat::Jpeg), ("photo.jfif", ImageFormat::Jpeg)]);
}

/// The name of a file stays as it is given.
#[test]
fn format_of_one_file() {
    let room = room();
    for (format, expected) in [
        ("png", ImageFormat::Png),
        ("jpg", ImageFormat::Jpeg),
        ("webp", ImageFormat::WebP),
        ("tiff", ImageFormat::Tiff),
    ] {
        for name in ["out.png", "out.jfif", "result"] {
            room.restores(&["photo.jpg"], &["-o", name, "--format", format]);
            let bytes = std::fs::read(room.path(name)).unwrap();
            assert_eq!(image::guess_format(&bytes).unwrap(), expected, "{name}");
        }
    }
}

#[test]
fn photos_that_would_become_one() {
    let room = room();
    let args = ["restore", "photo.jpg", "photo.png", "-o", "out", "--format", "webp"];
    room.refuses(&args, 2, &["photo.jpg and photo.png would both become", "photo.webp"]);
}

/// The format counts, not the name.
#[test]
fn transparency_into_the_format_that_is_asked_for() {
    let room = room();
    room.put("logo.png", &png(grey_with_alpha(9, 9)));
    let args = ["restore", "logo.png", "-o", "out", "--format", "jpg"];
    room.refuses(&args, 1, &["cannot write", "logo.jpg", "transparency"]);
}

#[test]
fn options_about_other_formats() {
    let room = room();
    let refused = |photos: &[&str], more: &[&str], why: &str| {
        room.refuses(&[&["derain"], photos, more].concat(), 2, &[why]);
    };
    let one: &[&str] = &["photo.png"];
    refused(
        one,
        &["-o", "out.png", "--quality", "80"],
        "--quality applies to JPEG and WebP only, and the output is PNG",
    );
    refused(
        one,
        &["-o", "o.tiff", "--quality", "80"],
        "--quality applies to JPEG and WebP only, and the output is TIFF",
    );
    refused(
        one,
        &["-o", "o.webp", "--progressive"],
        "--progressive applies to JPEG only, and the output is WebP",
    );
    refused(one, &["-o", "o.jpg", "--small"], "--small applies to PNG only, and the output is JPEG");
    refused(one, &["-o", "o.jpg", "--float"], "--float applies to TIFF only, and the output is JPEG");
    refused(one, &["-o", "o.jpg", "--format", "png", "--progressive"], "and the output is PNG");
    refused(&["photo.jpg", "photo.png"], &["-o", "out", "--float"], "--float applies to TIFF only");
    for value in ["0", "101", "high"] {
        refused(one, &["-o", "o.jpg", "--quality", value], "--quality");
    }
    refused(one, &["-o", "o.jpg", "--format", "heic"], "--format");
    refused(one, &["-o", "o.jpg", "--damaged", "perhaps"], "--damaged");
    // Of several photos one is enough.
    room.restores(
        &["photo.jpg", "photo.png"],
        &["-o", "out", "--quality", "70", "--progressive", "--strip-metadata", "--damaged", "keep"],
    );
    room.has_written(&[("photo.jpg", ImageFormat::Jpeg), ("photo.png", ImageFormat::Png)]);
}

/// What the program says besides of what it writes.
fn notes(run: &crate::Run) -> Vec<&str> {
    run.err.lines().filter(|line| line.starts_with("note: ")).collect()
}

#[test]
fn what_a_format_has_no_room_for_is_said_once() {
    let room = room();
    for name in ["a.png", "b.png"] {
        let deep = image::DynamicImage::ImageRgb8(smooth(24, 17).to_rgb8()).into_rgb16();
        room.put(name, &png(deep));
    }
    let run = room
        .run(&["restore", "--model", "tiny", "a.png", "b.png", "-o", "out", "--format", "jpg"])
        .succeeds();
    assert_eq!(notes(&run).len(), 1, "{}", run.err);
    assert!(notes(&run)[0].contains("is written without depth beyond 8 bits; JPEG has no room for it"));
    let run = room.run(&["restore", "--model", "tiny", "a.png", "-o", "same.png"]).succeeds();
    assert_eq!(notes(&run).len(), 0, "{}", run.err);
}

#[test]
fn quality_progression_and_size_reach_the_file() {
    let room = room();
    let written = |name, more: &[&str]| {
        room.restores(&["photo.png"], &[&["-o", name], more].concat());
        std::fs::read(room.path(name)).unwrap()
    };
    let [usual, coarse, progressive] =
        [&[][..], &["--quality", "30"], &["--progressive"]].map(|more| written("o.jpg", more));
    let [quick, small] =
        [("quick.png", &[][..]), ("small.png", &["--small"])].map(|(name, more)| written(name, more));
    assert!(small.len() < quick.len(), "{} {}", small.len(), quick.len());
    assert_eq!(room.image("small.png"), room.image("quick.png"));
    assert!(coarse.len() < usual.len(), "{} {}", coarse.len(), usual.len());
    let has = |bytes: &[u8], marker| bytes.windows(2).any(|pair| pair == [0xff, marker]);
    assert!(has(&usual, 0xc0) && has(&progressive, 0xc2) && !has(&progressive, 0xc0));
}

#[test]
fn what_is_left_of_a_damaged_photo() {
    let room = room();
    let whole = std::fs::read(room.path("photo.jpg")).unwrap();
    room.put("half.jpg", &whole[..whole.len() - 40]);
    let refused = room.run(&["restore", "--model", "tiny", "half.jpg", "-o", "o.png"]);
    refused.fails_at_once(1, &["half.jpg", "% of the picture is missing", "--damaged keep"]);
    // Nothing helps a target, nor what is calibrated with.
    let target = ["restore", "photo.jpg", "-o", "o.png", "--compare", "s.png", "--target", "half.jpg"];
    for args in [&target[..], &["calibrate", "tiny", "half.jpg"]] {
        let run = room.run(args).fails(1, &["half.jpg", "% of the picture is missing"]);
        assert!(!run.err.contains("--damaged"), "{}", run.err);
    }
    let kept =
        room.run(&["restore", "--model", "tiny", "half.jpg", "-o", "o.png", "--damaged", "keep"]).succeeds();
    assert!(kept.err.contains("half.jpg: its JPEG data is cut short"), "{}", kept.err);
    assert_eq!(room.image("o.png").width(), 24);
}

#[test]
fn linear_light_is_taken_at_its_word() {
    let room = room();
    let restored = |more: &[&str]| {
        room.restores(&["photo.png"], &[&["-o", "o.png"], more].concat());
        room.image("o.png")
    };
    assert_ne!(restored(&[]), restored(&["--linear"]));
}

#[test]
fn floats_stay_floats_on_request() {
    let room = room();
    let photo = image::DynamicImage::ImageRgb32F(smooth(24, 17).to_rgb32f());
    room.put("float.tif", &encode(photo, ImageFormat::Tiff));
    let written = |more: &[&str]| {
        room.restores(&["float.tif"], &[&["-o", "o.tif"], more].concat());
        room.image("o.tif").color()
    };
    assert_eq!(written(&[]), image::ColorType::Rgb16);
    assert_eq!(written(&["--float"]), image::ColorType::Rgb32F);
}
