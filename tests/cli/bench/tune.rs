//! `--tune`: what is measured is remembered, and by whom it was measured is all the same.

use crate::photos::{png, smooth};
use crate::{Room, repository};

/// A room with a photo of 16x16, in which choices are remembered in `cache/variants.json`.
fn room() -> Room {
    let room = Room::new();
    room.put("photo.png", &png(smooth(16, 16)));
    room
}

/// Runs it there; gives what is remembered afterwards.
fn remembered(room: &Room, command: &str, more: &[&str]) -> Option<String> {
    let model = repository("golden/tiny.safetensors");
    let command: Vec<&str> = command.split(' ').collect();
    let args = [&command[..], &["-q", "--model", model.to_str().unwrap()], more].concat();
    let run = crate::Run::of(room.command(args).env("MPRNET_CACHE", room.path("cache"))).succeeds();
    assert_eq!(run.err, "");
    std::fs::read_to_string(room.path("cache/variants.json")).ok()
}

/// The first stage has few shapes.
const RESTORE: &str = "restore photo.png -o out.png --stage 1";

/// Restores until nothing is left to be measured: a slow adapter takes several times 20 seconds.
fn tuned(room: &Room) -> Option<String> {
    let mut known = remembered(room, RESTORE, &["--tune", "on"]);
    for _ in 0..20 {
        let more = remembered(room, RESTORE, &["--tune", "on"]);
        if more == known {
            break;
        }
        known = more;
    }
    known
}

#[test]
fn photos_are_restored_by_what_is_remembered() {
    let room = room();
    assert_eq!(remembered(&room, RESTORE, &["--tune", "off"]), None);
    let known = tuned(&room).unwrap();
    assert!(known.contains("8->8, 16x16 in 2x2 patches, prelu"), "{known}");
    assert_ne!(remembered(&room, RESTORE, &["--tune", "force"]).unwrap(), known, "nothing was measured anew");
}

#[test]
#[cfg_attr(not(feature = "heavy-tests"), ignore = "minutes on a software adapter: --features heavy-tests")]
fn restoring_and_measuring_share_what_is_remembered() {
    let room = room();
    let (bench, half) = ("bench --size 16x16 --rounds 1", ["--tune", "on", "--precision", "f16"]);
    let mut known = tuned(&room);
    for _ in 0..20 {
        known = remembered(&room, bench, &["--tune", "on"]);
    }
    assert_eq!(remembered(&room, "restore photo.png -o out.png", &["--tune", "on"]), known);
    assert_ne!(remembered(&room, bench, &half), known, "another precision is measured apart");
}

#[test]
fn a_cache_that_cannot_be_used_is_a_warning() {
    let room = room();
    room.put("cache", b"not a directory");
    let model = repository("golden/tiny.safetensors");
    let args =
        ["bench", "--size", "8x8", "--rounds", "1", "--tune", "on", "--model", model.to_str().unwrap()];
    let run = crate::Run::of(room.command(args).env("MPRNET_CACHE", room.path("cache"))).succeeds();
    assert!(run.err.contains("WARN") && run.err.contains("cannot remember"), "{}", run.err);
}
