//! Photos that cannot be restored: no GPU is opened, no file is written.

use image::{DynamicImage, GrayImage, RgbaImage};

use crate::photos::*;
use crate::{Room, Run};

/// Refuses a photo of these bytes, naming it and saying why.
#[track_caller]
fn refused(name: &str, bytes: &[u8], why: &str) {
    let room = Room::new();
    room.put(name, bytes);
    room.refuses(&["restore", name, "-o", "out.png"], 1, &["cannot read", name, why]);
}

#[test]
fn text() {
    refused("note.png", b"Dear all,\nthe photo is attached.\n", "it is not an image");
}

#[test]
fn truncated_png() {
    let whole = png(sample("noisy.png", 32, 24));
    for length in [20, 33, 60, whole.len() / 2, whole.len() * 3 / 4] {
        refused("cut.png", &whole[..length], "cut short");
    }
}

#[test]
fn empty_file() {
    refused("empty.png", b"", "it is empty (0 bytes)");
}

/// Whatever it is called, and whatever is to become of it.
#[test]
fn directory_without_photos() {
    let room = Room::new();
    room.make_directory("out");
    for album in ["album.png", "album"] {
        room.make_directory(album);
        for out in ["out", "out.png", "out.bmp", "none"] {
            let words = format!("cannot use the images in {album}: there is none in it");
            room.refuses(&["restore", album, "-o", out], 1, &[&words]);
        }
        room.make_directory(&format!("{album}/below"));
        room.refuses(
            &["restore", album, "-o", "out"],
            1,
            &["directories below are left out; -r takes those too"],
        );
    }
}

#[test]
fn missing_file() {
    let room = Room::new();
    room.refuses(&["restore", "none.png", "-o", "out.png"], 1, &["cannot read none.png"]);
}

#[test]
fn no_pixels() {
    refused("zero.png", &png_claiming(0, 8), "0 x 8 pixels");
    refused("zero.png", &png_claiming(8, 0), "8 x 0 pixels");
}

#[test]
fn more_pixels_than_are_read() {
    refused("huge.png", &png_claiming(100_000, 100_000), "100000 x 100000 pixels");
}

/// A header is worth no memory: four gigabytes are not taken for what two bytes do not hold.
#[test]
#[cfg(target_os = "linux")]
fn far_larger_than_what_is_there() {
    let room = Room::new();
    room.put("huge.tif", &tiff_claiming(1 << 14, 1 << 14));
    let deep = png(DynamicImage::new_rgba16(8, 8));
    let huge = claiming(deep, 1 << 14, 1 << 14);
    room.put("huge.png", &huge);
    room.put("cut.png", &huge[..huge.len() - 12]);
    for (photo, why) in [
        ("huge.tif", "100% of the picture"),
        ("huge.png", "too much memory"),
        ("cut.png", "data is cut short"),
    ] {
        for salvage in ["", "--damaged keep"] {
            let run = format!("ulimit -v 1500000; exec \"$0\" restore {salvage} {photo} -o out.png");
            let mut command = std::process::Command::new("sh");
            command.args(["-c", &run, env!("CARGO_BIN_EXE_mprnet")]).current_dir(room.path("."));
            room.refuses_command(&mut command, 1, &["cannot read", photo, why]);
        }
    }
}

#[test]
fn print_colours() {
    refused("print.jpg", &cmyk_jpeg(), "CMYK");
}

#[test]
fn animations() {
    refused("moving.png", &animated_png(), "an animated PNG of 2 frames");
    refused("moving.gif", &animated_gif(), "a GIF file");
    refused("moving.webp", &animated_webp(), "an animated WebP");
}

#[test]
fn telephone_photo() {
    refused("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC file");
}

#[test]
fn transparency_into_jpeg() {
    let room = Room::new();
    room.put("logo.png", &png(RgbaImage::new(9, 9)));
    room.put("old.jpg", b"an older picture");
    for out in ["new.jpg", "old.jpg", "new.JPEG"] {
        room.refuses(&["restore", "logo.png", "-o", out], 1, &["cannot write", out, "transparency", ".png"]);
    }
}

/// More than a hundred thousand workgroups side by side: no adapter takes them, and none is overrun.
#[test]
fn wider_than_any_adapter_takes() {
    let room = Room::new();
    room.put("wide.png", &png(DynamicImage::from(GrayImage::new(1 << 24, 1))));
    let before = room.contents();
    let run = room.run(&["restore", "-q", "wide.png", "-o", "out.png"]);
    // The driver may be the first to find that there is not so much memory.
    let code = if run.code == 3 { 3 } else { 1 };
    run.fails(code, &[]);
    assert!(before == room.contents());
}

/// Computed in bands, in whatever memory there is. Only software adapters have the memory of the process.
#[test]
#[cfg(target_os = "linux")]
#[cfg_attr(not(feature = "heavy-tests"), ignore = "minutes on a software adapter: --features heavy-tests")]
fn larger_than_the_memory() {
    let room = Room::with_photo();
    room.put("large.png", &png(DynamicImage::from(GrayImage::new(3000, 3000))));
    room.make_directory("out");
    let command = |limited: &str, args: &[&str]| {
        let mut command = std::process::Command::new("sh");
        let run = format!("{limited} exec \"$0\" \"$@\"");
        command.args(["-c", &run, env!("CARGO_BIN_EXE_mprnet")]).args(args).current_dir(room.path("."));
        // Every thread of many would take some of what there is.
        command.env("LP_NUM_THREADS", "1").env("MALLOC_ARENA_MAX", "2");
        Run::of(&mut command)
    };
    if !command("", &["devices"]).out.contains("software") {
        return;
    }
    let run = command("ulimit -v 1500000;", &["denoise", "large.png", "photo.png", "-o", "out"]).succeeds();
    assert!(run.err.contains("the device has no room for "), "{}", run.err);
    assert!(run.err.contains(" bands, since the whole takes more than "), "{}", run.err);
    assert!(room.path("out/photo.png").exists() && room.path("out/large.png").exists());
}

/// One that fails costs the others nothing.
#[test]
fn among_others() {
    let room = Room::with_photo();
    room.put("broken.png", &png(smooth(24, 17))[..60]);
    room.put("alone.png", &png(smooth(5, 5)));
    room.make_directory("out");
    room.put("out/broken.png", b"an older picture");
    room.make_directory("out/alone.png");
    let run = Run::of(&mut room.command([
        "restore",
        "broken.png",
        "alone.png",
        "photo.png",
        "-o",
        "out",
        "--overwrite",
    ]));
    assert_eq!(run.code, 1, "{}", run.err);
    let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 2, "{}", run.err);
    assert!(errors[0].contains("cannot read broken.png"), "{}", errors[0]);
    assert!(errors[1].contains("alone.png: it is a directory"), "{}", errors[1]);
    assert!(run.err.lines().any(|line| line.starts_with("photo.png -> ")), "{}", run.err);
    assert_eq!(room.image("out/photo.png").width(), 24);
    assert_eq!(std::fs::read(room.path("out/broken.png")).unwrap(), b"an older picture");
    let count = std::fs::read_dir(room.path("out")).unwrap().count();
    assert_eq!(count, 3, "something was left in the directory");
}

#[test]
fn among_others_that_fail() {
    let room = Room::with_photo();
    room.put("other.txt", b"no photo");
    room.make_directory("out");
    room.make_directory("out/photo.png");
    let before = room.contents();
    let run = room.run(&["restore", "photo.png", "other.txt", "-o", "out"]);
    assert_eq!(run.code, 1);
    let lines: Vec<&str> = run.err.lines().collect();
    let [first, second, summary] = lines[..] else { panic!("two errors are expected: {}", run.err) };
    assert!(first.starts_with("error: ") && first.contains("photo.png: it is a directory"), "{first}");
    assert!(second.starts_with("error: ") && second.contains("other.txt: it is not an image"), "{second}");
    assert!(summary.starts_with("0 restored, 2 failed, in "), "{summary}");
    assert!(before == room.contents());
}
