//! What is Windows's own: patterns that no shell expands, names that it gives to no file, and files that it guards.

use crate::Room;
use crate::photos::*;

const QUICK: [&str; 3] = ["restore", "--model", "tiny"];

fn quick_room() -> Room {
    let room = Room::with_photo();
    room.put("tiny", &std::fs::read(crate::repository("golden/tiny.safetensors")).unwrap());
    room.make_directory("out");
    room
}

#[test]
fn patterns_are_expanded() {
    let room = quick_room();
    room.make_directory("in");
    for name in ["a.png", "B.PNG", "c[1].png"] {
        room.put(&format!("in/{name}"), &png(smooth(9, 9)));
    }
    room.put("in/notes.txt", b"Dear all");
    room.run(&[&QUICK[..], &["-q", r"in\*.png", "-o", "out"]].concat()).succeeds();
    for name in ["a.png", "B.PNG", "c[1].png"] {
        assert_eq!(room.image(&format!("out/{name}")).width(), 9);
    }
    room.refuses(
        &["restore", r"in\*.webp", "-o", "out"],
        1,
        &[r"cannot read in\*.webp: no file has such a name"],
    );
    room.refuses(&["calibrate", "tiny", "*.webp"], 1, &["cannot read *.webp: no file has such a name"]);
}

#[test]
fn names_of_no_file() {
    let room = Room::with_photo();
    for (name, why) in [
        ("NUL.png", "NUL is a device"),
        (r"none\com1.png", "COM1 is a device"),
        ("q?.png", "no ? in names"),
        ("photo.png:stream.png", "no : in names"),
    ] {
        room.refuses(&["restore", "photo.png", "-o", name], 1, &["cannot write", name, why, "another name"]);
    }
    let dump = ["restore", "photo.png", "-o", "out.png", "--dump", "stage1=aux.st"];
    room.refuses(&dump, 1, &["cannot write aux.st", "AUX is a device"]);
}

#[test]
fn write_protected_output() {
    let room = Room::with_photo();
    room.put("old.png", b"an older picture");
    let protect = |readonly| {
        let mut permissions = std::fs::metadata(room.path("old.png")).unwrap().permissions();
        permissions.set_readonly(readonly);
        std::fs::set_permissions(room.path("old.png"), permissions).unwrap();
    };
    protect(true);
    room.refuses(
        &["restore", "photo.png", "-o", "old.png"],
        1,
        &["cannot write old.png: it is write-protected"],
    );
    // Otherwise the room could not be removed.
    protect(false);
}

#[test]
fn outputs_that_differ_in_case() {
    let room = quick_room();
    for folder in ["a", "b"] {
        room.make_directory(folder);
    }
    room.put("a/P.png", &png(smooth(9, 9)));
    room.put("b/p.PNG", &png(smooth(9, 9)));
    let args = ["restore", r"a\P.png", r"b\p.PNG", "-o", "out"];
    room.refuses(&args, 2, &[r"a\P.png and b\p.PNG would both become"]);
    room.refuses(&["restore", "photo.png", "-o", "PHOTO.png"], 2, &["would overwrite its own input"]);
}
