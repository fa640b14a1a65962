//! Photos and frames shared among adapters.

use crate::photos::*;
use crate::{Room, Run, repository};

/// Photos enough that every adapter gets some.
const PHOTOS: usize = 6;

fn room() -> Room {
    let room = Room::new();
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room.make_directory("in");
    for number in 1..=PHOTOS {
        room.put(&format!("in/{number}.png"), &png(smooth(24 + number as u32, 16)));
    }
    room
}

/// With Vulkan and OpenGL side by side, where this machine has both.
fn run(room: &Room, out: &str, device: &[&str]) -> Run {
    let args = [&["restore", "--model", "tiny", "in", "-o", out], device].concat();
    Run::of(room.command(args).env("WGPU_BACKEND", "vulkan,gl"))
}

#[test]
fn adapters_share_photos_and_order_is_kept() {
    let room = room();
    run(&room, "one", &["--device", "0"]).succeeds();
    for (out, devices) in [("all", ["--device", "all"]), ("list", ["-g", "0, 0"])] {
        let run = run(&room, out, &devices).succeeds();
        let told: Vec<&str> = run.err.lines().filter(|line| line.contains(" -> ")).collect();
        assert_eq!(told.len(), PHOTOS, "{}", run.err);
        for (number, line) in (1..).zip(told) {
            assert!(line.ends_with(&format!("{number}.png")), "{}", run.err);
        }
        for number in 1..=PHOTOS {
            let of = |out: &str| room.image(&format!("{out}/{number}.png")).to_rgb8().into_raw();
            let apart = of("one").iter().zip(of(out)).map(|(a, b)| a.abs_diff(b)).max();
            assert!(apart <= Some(1), "{number}: {apart:?}");
        }
    }
}

/// A name is one although there is a comma in it, as in lavapipe's; a list names each that is wrong.
#[test]
fn names_and_lists() {
    let room = room();
    let listed = room.run(&["devices"]).succeeds();
    let name = listed.out.lines().next().unwrap().split_once(": ").unwrap().1.to_owned();
    run(&room, "named", &["--device", &name]).succeeds();
    run(&room, "none", &["--device", "0,no such adapter"]).fails(3, &["no such adapter"]);
    assert!(!room.path("none/1.png").exists());
}

#[test]
fn threads_as_others_have_them() {
    let room = room();
    run(&room, "out", &["-j", "2:1,1:3"]).succeeds();
    for wrong in ["2", "0:1:1", "1:1", "1:x:1", "1:1:1:1"] {
        run(&room, "wrong", &["-j", wrong]).fails(2, &["LOAD:PROC:SAVE"]);
    }
}
