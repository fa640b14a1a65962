//! Where results go: every obstacle is found before anything is computed.

use crate::Room;
use crate::photos::*;

#[test]
fn output_of_an_unknown_kind() {
    let room = Room::with_photo();
    for out in ["out.bmp", "out.png.gz"] {
        let words = ["cannot write", out, "the name must end in .png, .jpg", "--format"];
        room.refuses(&["restore", "photo.png", "-o", out], 2, &words);
    }
}

#[test]
fn output_where_no_directory_is() {
    let room = Room::with_photo();
    room.put("note.txt", b"no directory");
    let cases = [
        ("none/out.png", "there is no directory none; create it first"),
        ("a/b/out.png", "there is no directory a/b; create it first"),
        ("note.txt/out.png", "note.txt is a file and no directory"),
    ];
    for (out, why) in cases {
        room.refuses(&["restore", "photo.png", "-o", out], 1, &["cannot write", out, why]);
    }
}

#[test]
fn output_of_no_format() {
    let room = Room::with_photo();
    let words =
        ["cannot write out: there is no directory out, and the name of a file must end in .png, .jpg"];
    room.refuses(&["restore", "photo.png", "-o", "out"], 2, &words);
}

/// Found before anything is computed.
#[test]
fn names_of_directories_for_files() {
    let room = Room::with_photo();
    for (option, name) in [("--report", "pages.html/"), ("--compare", "strips.png/")] {
        let words = ["cannot write", "that is the name of a directory"];
        room.refuses(&["restore", "photo.png", "-o", "out.png", option, name], 1, &words);
    }
    room.make_directory("out.stage1.png");
    let stages = ["restore", "photo.png", "-o", "out.png", "--keep-stages"];
    assert!(room.run(&stages).fails(1, &["out.stage1.png", "it is a directory"]).out.is_empty());
    assert_eq!(std::fs::read(room.path("out.png")).unwrap(), b"an older picture");
}

/// Nothing is said of the output, which may be as well meant.
#[test]
fn a_name_that_is_misspelt() {
    let room = Room::with_photo();
    room.refuses(&["restore", "phooto.png", "-o", "restored"], 1, &["cannot read phooto.png"]);
}

/// The directory is yet to be made.
#[test]
fn a_strip_is_not_replaced_by_its_photo() {
    let room = Room::with_photo();
    let args = ["restore", "photo.png", "-o", "new/", "--compare", "./new/photo.png"];
    room.refuses(&args, 2, &["would be written twice"]);
}

/// Found before anything is computed: no adapter is named.
#[test]
fn output_of_too_long_a_name() {
    let room = Room::with_photo();
    let long = format!("{}.png", "o".repeat(300));
    let words = ["cannot write ooo", "takes no name that is so long; choose a shorter one"];
    room.refuses(&["restore", "photo.png", "-o", &long], 1, &words);
    // As long as they come, and longer by a letter with another ending.
    let name = format!("{}.png", "i".repeat(251));
    room.put(&name, &png(smooth(9, 9)));
    room.make_directory("out");
    room.refuses(&["restore", &name, "-o", "out", "--format", "webp"], 1, &["takes no name that is so long"]);
}

#[cfg(unix)]
const QUICK: [&str; 4] = ["restore", "photo.png", "--model", "tiny"];

#[cfg(unix)]
fn quick_room() -> Room {
    let room = Room::with_photo();
    room.put("tiny", &std::fs::read(crate::repository("golden/tiny.safetensors")).unwrap());
    room
}

#[test]
#[cfg(unix)]
fn output_keeps_the_mode_of_the_file_that_it_replaces() {
    use std::os::unix::fs::PermissionsExt;
    let room = quick_room();
    let mode = |name: &str| std::fs::metadata(room.path(name)).unwrap().permissions().mode() & 0o7777;
    for (name, older) in [("private.png", 0o600), ("shared.png", 0o666), ("readonly.png", 0o444)] {
        room.put(name, b"an older picture");
        std::fs::set_permissions(room.path(name), PermissionsExt::from_mode(older)).unwrap();
        room.run(&[&QUICK[..], &["-o", name]].concat()).succeeds();
        assert_eq!(mode(name), older, "{name}");
        assert_eq!(room.image(name).width(), 24);
    }
}

#[test]
#[cfg(unix)]
fn output_behind_a_link_to_nothing_yet() {
    use std::os::unix::fs::symlink;
    let room = quick_room();
    room.make_directory("album");
    symlink("album/link.png", room.path("first.png")).unwrap();
    symlink("new.png", room.path("album/link.png")).unwrap();
    room.run(&[&QUICK[..], &["-o", "first.png"]].concat()).succeeds();
    assert!(room.path("first.png").is_symlink() && room.path("album/link.png").is_symlink());
    assert_eq!(room.image("album/new.png").width(), 24);
    symlink("none/new.png", room.path("lost.png")).unwrap();
    room.refuses(&["restore", "photo.png", "-o", "lost.png"], 1, &["there is no directory none; create it"]);
    symlink("round.png", room.path("round.png")).unwrap();
    room.refuses(&["restore", "photo.png", "-o", "round.png"], 1, &["round.png: its links lead to no file"]);
}

/// The second would replace the first.
#[test]
#[cfg(unix)]
fn outputs_that_a_link_makes_one() {
    let room = Room::with_photo();
    room.put("other.png", &png(smooth(9, 9)));
    room.make_directory("out");
    std::os::unix::fs::symlink("other.png", room.path("out/photo.png")).unwrap();
    let args = ["restore", "photo.png", "other.png", "-o", "out"];
    room.refuses(&args, 2, &["photo.png and other.png would both become"]);
}

#[test]
#[cfg(target_os = "linux")]
fn output_where_no_file_can_be_made() {
    let room = Room::with_photo();
    room.refuses(&["restore", "photo.png", "-o", "/proc/out.png"], 1, &["/proc"]);
}

#[test]
#[cfg(unix)]
fn output_that_is_a_device() {
    let room = Room::with_photo();
    std::os::unix::fs::symlink("/dev/null", room.path("sink.png")).unwrap();
    room.refuses(&["restore", "photo.png", "-o", "sink.png"], 1, &["sink.png", "no ordinary file"]);
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn output_is_the_input() {
    let room = Room::with_photo();
    room.make_directory("album");
    room.put("album/a.png", &png(smooth(9, 9)));
    let own = ["would overwrite its own input", "choose another output"];
    room.refuses(&["restore", "photo.png", "-o", "photo.png"], 2, &own);
    room.refuses(&["restore", "photo.png", "-o", "./photo.png"], 2, &own);
    room.refuses(&["restore", "photo.png", "-o", "album/../photo.png"], 2, &own);
    room.refuses(&["restore", "photo.png", "-o", "."], 2, &own);
    room.refuses(&["restore", "album/a.png", "photo.png", "-o", "album"], 2, &own);
    let absolute = room.path("photo.png");
    room.refuses(&["restore", "photo.png", "-o", absolute.to_str().unwrap()], 2, &own);
}

#[test]
#[cfg(unix)]
fn output_is_the_input_through_links() {
    use std::os::unix::fs::symlink;
    let room = Room::with_photo();
    room.make_directory("album");
    room.put("album/a.png", &png(smooth(9, 9)));
    symlink("photo.png", room.path("link.png")).unwrap();
    symlink("album", room.path("same")).unwrap();
    std::fs::hard_link(room.path("photo.png"), room.path("hard.png")).unwrap();
    let own = ["would overwrite its own input"];
    room.refuses(&["restore", "photo.png", "-o", "link.png"], 2, &own);
    room.refuses(&["restore", "link.png", "-o", "photo.png"], 2, &own);
    room.refuses(&["restore", "album/a.png", "-o", "same"], 2, &own);
    room.refuses(&["restore", "photo.png", "-o", "hard.png"], 2, &own);
}

/// Not its own input, but one that is still to be restored.
#[test]
#[cfg(unix)]
fn output_is_another_input() {
    let room = Room::with_photo();
    room.make_directory("album");
    room.put("album/photo.png", &png(smooth(9, 9)));
    std::os::unix::fs::symlink("album/photo.png", room.path("other.png")).unwrap();
    let words = ["album/photo.png would overwrite other.png, which is read"];
    room.refuses(&["restore", "photo.png", "other.png", "-o", "album"], 2, &words);
}

#[test]
#[cfg(unix)]
fn output_is_the_weights() {
    let room = Room::with_photo();
    room.put("weights", &std::fs::read(crate::repository("models/denoise.safetensors")).unwrap());
    std::os::unix::fs::symlink("weights", room.path("link.png")).unwrap();
    let args = ["restore", "photo.png", "-o", "link.png", "--model", "weights"];
    room.refuses(&args, 2, &["link.png would overwrite weights, which is read"]);
}

#[test]
fn several_photos_into_a_file() {
    let room = Room::with_photo();
    room.put("other.png", &png(smooth(9, 9)));
    let args = ["restore", "photo.png", "other.png", "-o", "out.png"];
    room.refuses_command(
        &mut room.command(args),
        2,
        &["2 photos need a directory", "out.png looks like a file"],
    );
    room.put("out.png", b"an older picture");
    room.refuses(&args, 2, &["2 photos need a directory", "out.png is none"]);
}

#[test]
fn several_photos_of_one_name() {
    let room = Room::with_photo();
    room.make_directory("album");
    room.make_directory("out");
    room.put("album/photo.png", &png(smooth(9, 9)));
    let args = ["restore", "photo.png", "album/photo.png", "-o", "out"];
    room.refuses(&args, 2, &["photo.png and album/photo.png would both become"]);
    room.refuses(&["restore", "photo.png", "./photo.png", "-o", "out"], 2, &["would both become"]);
}

const NODE: &str = "stage1_encoder.0";

#[track_caller]
fn refused_dump(room: &Room, file: &str, code: i32, words: &[&str]) {
    let dump = format!("{NODE}={file}");
    room.refuses(&["restore", "photo.png", "-o", "out.png", "--dump", &dump], code, words);
}

#[test]
fn dump_that_cannot_be_written() {
    let room = Room::with_photo();
    room.put("note.txt", b"no directory");
    room.make_directory("album");
    refused_dump(
        &room,
        "none/d.safetensors",
        1,
        &["cannot write none/d.safetensors", "no directory none; create"],
    );
    refused_dump(
        &room,
        "note.txt/d.safetensors",
        1,
        &["note.txt/d.safetensors", "note.txt is a file and no directory"],
    );
    refused_dump(&room, "album", 1, &["cannot write album", "it is a directory"]);
    #[cfg(unix)]
    refused_dump(&room, "/dev/null", 1, &["cannot write /dev/null", "no ordinary file"]);
    #[cfg(target_os = "linux")]
    refused_dump(&room, "/proc/d.safetensors", 1, &["cannot write /proc/d.safetensors"]);
}

#[test]
fn dump_over_another_file() {
    let room = Room::with_photo();
    room.put("w.safetensors", &std::fs::read(crate::repository("models/denoise.safetensors")).unwrap());
    refused_dump(&room, "photo.png", 2, &["photo.png would overwrite photo.png, which is read"]);
    refused_dump(&room, "./out.png", 2, &["./out.png would be written twice"]);
    let dump = format!("{NODE}=w.safetensors");
    let args = ["restore", "photo.png", "-o", "out.png", "--model", "w.safetensors", "--dump", &dump];
    room.refuses(&args, 2, &["would overwrite w.safetensors, which is read"]);
    let args = ["restore", "photo.png", "-o", "out.png", "--dump", "stage1=d.st", "--dump", "stage2=./d.st"];
    room.refuses(&args, 2, &["./d.st would be written twice"]);
}
