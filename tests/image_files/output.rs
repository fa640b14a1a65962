//! Where and how files are written: refusals before the work, and never half a file.

use mprnet::Error;
use mprnet::image::{self, Frame, WriteOptions};

use crate::{Room, rgb8};

fn refusal(result: Result<(), Error>) -> String {
    let text = result.unwrap_err().to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

fn transparent(width: u32, height: u32) -> Frame {
    let alpha = vec![9; (width * height) as usize];
    rgb8(width, height).with_alpha8(alpha).unwrap()
}

#[test]
fn bad_names_are_refused_before_and_when_writing() {
    let room = Room::new();
    std::fs::create_dir(room.path("album.png")).unwrap();
    std::fs::write(room.path("file"), "x").unwrap();
    let cases = [
        ("photo.bmp", "the name must end in .png, .jpg, .webp or .tiff"),
        ("photo", "the name must end in"),
        (".png", "the name must end in"),
        ("album.png", "it is a directory; choose another name"),
        ("none/photo.png", "there is no directory"),
        ("file/photo.png", "is a file and no directory"),
    ];
    let before = room.names();
    for (name, words) in cases {
        let path = room.path(name);
        for result in [image::check_output(&path, &WriteOptions::default()), image::write(&rgb8(2, 2), &path)]
        {
            let text = refusal(result);
            assert!(text.starts_with("cannot write ") && text.contains(words), "{text}");
            assert!(text.contains(name), "{text}");
        }
    }
    assert_eq!(room.names(), before);
}

/// A directory that takes no files, not even from root.
#[cfg(target_os = "linux")]
#[test]
fn unwritable_directory() {
    let path = std::path::Path::new("/proc/photo.png");
    for result in [image::check_output(path, &WriteOptions::default()), image::write(&rgb8(2, 2), path)] {
        assert!(matches!(result, Err(Error::Io { .. })), "{result:?}");
        assert!(refusal(result).contains("cannot write /proc/"));
    }
}

#[cfg(unix)]
#[test]
fn special_files_are_not_replaced() {
    let room = Room::new();
    let path = room.path("socket.png");
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    for result in [image::check_output(&path, &WriteOptions::default()), image::write(&rgb8(2, 2), &path)] {
        assert!(refusal(result).contains("it is no ordinary file; choose another name"));
    }
    assert_eq!(room.names(), ["socket.png"]);
}

#[test]
fn check_leaves_nothing_behind() {
    let room = Room::new();
    for name in ["a.png", "b.JPG", "c.Jpeg", "d.WEBP", "e.tif", "f.TIFF"] {
        image::check_output(&room.path(name), &WriteOptions::default()).unwrap();
    }
    assert_eq!(room.names(), Vec::<String>::new());
    std::fs::write(room.path("a.png"), "kept").unwrap();
    image::check_output(&room.path("a.png"), &WriteOptions::default()).unwrap();
    assert_eq!(std::fs::read(room.path("a.png")).unwrap(), b"kept");
}

#[test]
fn a_name_without_directory_is_here() {
    // Nothing is written: the check alone creates and removes a file in the working directory.
    image::check_output(std::path::Path::new("photo.png"), &WriteOptions::default()).unwrap();
}

/// Screenshots have a channel for transparency that says of every pixel that it is opaque.
#[test]
fn a_channel_without_transparency_is_no_hindrance() {
    let room = Room::new();
    let opaque = rgb8(3, 2).with_alpha8(vec![255; 6]).unwrap();
    assert!(!opaque.is_transparent() && transparent(2, 2).is_transparent() && !rgb8(2, 2).is_transparent());
    image::write(&opaque, &room.path("opaque.jpg")).unwrap();
    image::write(&rgb8(3, 2), &room.path("plain.jpg")).unwrap();
    let read = |name| std::fs::read(room.path(name)).unwrap();
    assert!(read("opaque.jpg") == read("plain.jpg"));
}

#[test]
fn what_a_format_cannot_hold() {
    let room = Room::new();
    let path = room.path("a.jpg");
    let text = refusal(image::check_frame(&transparent(2, 2), &path, &WriteOptions::default()));
    assert!(
        text.ends_with("JPEG cannot hold this image's transparency; choose .png, .webp or .tiff"),
        "{text}"
    );
    for (name, limit) in [("a.jpg", 65_535), ("a.webp", 16_383)] {
        let path = room.path(name);
        for (width, height) in [(limit, 1), (1, limit)] {
            let frame = rgb8(width, height);
            image::write(&frame, &path).unwrap();
            let back = image::read(&path).unwrap();
            assert_eq!((back.width(), back.height()), (width, height));
        }
        for (width, height) in [(limit + 1, 1), (1, limit + 1)] {
            let text = refusal(image::write(&rgb8(width, height), &path));
            assert!(text.contains(&format!("at most {limit} pixels a side")), "{text}");
            image::check_frame(&rgb8(width, height), &room.path("a.png"), &WriteOptions::default()).unwrap();
        }
    }
}

#[test]
fn an_existing_file_is_replaced_or_untouched() {
    let room = Room::new();
    for name in ["a.jpg", "a.webp", "a.png", "a.tif"] {
        std::fs::write(room.path(name), "old").unwrap();
    }
    image::write(&transparent(2, 2), &room.path("a.jpg")).unwrap_err();
    image::write(&rgb8(16_384, 1), &room.path("a.webp")).unwrap_err();
    for name in ["a.jpg", "a.webp"] {
        assert_eq!(std::fs::read(room.path(name)).unwrap(), b"old");
    }
    for name in ["a.jpg", "a.webp", "a.png", "a.tif"] {
        image::write(&rgb8(3, 2), &room.path(name)).unwrap();
        assert_eq!(image::read(&room.path(name)).unwrap().width(), 3);
    }
    assert_eq!(room.names(), ["a.jpg", "a.png", "a.tif", "a.webp"]);
}

/// Set for the process in which files may not grow beyond a kilobyte: where to write.
#[cfg(target_os = "linux")]
const FULL_ROOM: &str = "MPRNET_TEST_FULL_ROOM";

/// The disk is full in the middle of writing: the old file stays and nothing else is left.
///
/// The test runs itself again with a limit on the size of files.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_file() {
    if let Some(room) = std::env::var_os(FULL_ROOM) {
        for name in ["a.jpg", "a.webp", "a.png", "a.tif"] {
            let path = std::path::Path::new(&room).join(name);
            let result = image::write(&rgb8(300, 200), &path);
            assert!(matches!(&result, Err(Error::Io { .. })), "{result:?}");
            assert!(refusal(result).starts_with(&format!("cannot write {}", path.display())));
        }
        return;
    }
    let room = Room::new();
    for name in ["a.jpg", "a.webp", "a.png", "a.tif"] {
        std::fs::write(room.path(name), "old").unwrap();
    }
    // Ignoring the signal turns the limit into an error of the write.
    let limited = std::process::Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; ulimit -f 1; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "output::a_full_disk_leaves_the_old_file"])
        .env(FULL_ROOM, room.path(""))
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&limited.stdout);
    assert!(limited.status.success() && report.contains("1 passed"), "{report}");
    assert_eq!(room.names(), ["a.jpg", "a.png", "a.tif", "a.webp"]);
    for name in room.names() {
        assert_eq!(std::fs::read(room.path(&name)).unwrap(), b"old");
    }
}

/// The file is as accessible as any other that the user makes.
#[cfg(unix)]
#[test]
fn permissions_are_ordinary() {
    use std::os::unix::fs::PermissionsExt;
    let room = Room::new();
    std::fs::write(room.path("ordinary"), "").unwrap();
    let (path, _) = room.write("a.png", &rgb8(2, 2));
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(path), mode(room.path("ordinary")));
}

/// A link to a file elsewhere stays a link.
#[cfg(unix)]
#[test]
fn links_are_followed() {
    let room = Room::new();
    std::fs::create_dir(room.path("store")).unwrap();
    std::fs::write(room.path("store/real.png"), "old").unwrap();
    std::os::unix::fs::symlink("store/real.png", room.path("link.png")).unwrap();
    room.write("link.png", &rgb8(3, 2));
    assert!(room.path("link.png").is_symlink());
    assert_eq!(image::read(&room.path("store/real.png")).unwrap(), rgb8(3, 2));
    assert_eq!(crate::names_in(&room.path("store")), ["real.png"]);
}
