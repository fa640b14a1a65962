//! Arguments that make no sense, and machines without what they ask for.

use std::process::Command;

use serde_json::Value;

use crate::photos::*;
use crate::{Room, Run, mprnet};

const RESTORE: [&str; 4] = ["restore", "photo.png", "-o", "out.png"];

fn and(more: &[&'static str]) -> Vec<&'static str> {
    [&RESTORE, more].concat()
}

#[test]
fn dump_of_an_unknown_node() {
    let room = Room::with_photo();
    room.refuses(&and(&["--dump", "stage9=d.st"]), 2, &["no tensor named stage9", "mprnet plan --tensors"]);
    room.refuses(&and(&["--dump", "stage1=a.st", "--dump", "tail.=b.st"]), 2, &["no tensor named tail."]);
}

/// Photos of 16 bits are not handed over as words, so there is no such tensor.
#[test]
fn dump_of_a_node_that_other_photos_have() {
    let room = Room::new();
    room.put("photo.png", &png(smooth(9, 9).into_rgb16()));
    room.refuses(&and(&["--dump", "words=d.st"]), 2, &["no tensor named words"]);
}

#[test]
fn dump_of_several_photos() {
    let room = Room::with_photo();
    room.put("other.png", &png(smooth(9, 9)));
    room.make_directory("out");
    let args = ["restore", "photo.png", "other.png", "-o", "out", "--dump", "stage1=d.st"];
    room.refuses(&args, 2, &["--dump takes one photo"]);
}

#[test]
fn dump_without_a_file() {
    let room = Room::with_photo();
    for dump in ["stage1", "stage1=", "=d.st"] {
        room.refuses(&["restore", "photo.png", "-o", "out.png", "--dump", dump], 2, &["NODE=FILE", dump]);
    }
}

#[test]
fn values_out_of_range() {
    let room = Room::with_photo();
    for stage in ["0", "4", "three"] {
        room.refuses(&["restore", "photo.png", "-o", "out.png", "--stage", stage], 2, &["--stage", stage]);
        room.refuses(&["plan", "--stage", stage], 2, &["--stage", stage]);
    }
    room.refuses(&and(&["--precision", "f8"]), 2, &["--precision", "f8"]);
    room.refuses(&["plan", "--config", "dehaze"], 2, &["derain, denoise or deblur is expected"]);
    room.refuses(&["plan", "--buffer-limit", "0"], 2, &["--buffer-limit"]);
    room.refuses(&["plan", "--buffer-limit", "18446744073709551615"], 2, &["--buffer-limit"]);
}

#[test]
fn modes_and_sizes_of_crops_that_are_none() {
    let room = Room::with_photo();
    room.refuses(&and(&["--mode", "remote"]), 2, &["--mode", "remote"]);
    room.refuses(&and(&["--mode", "local", "--train-size", "0"]), 2, &["--train-size"]);
    for command in [&["plan"][..], &["profile"], &["bench"], &["eval", "photo.png", "photo.png"], &RESTORE] {
        let args = [command, &["--train-size", "128"]].concat();
        room.refuses(&args, 2, &["--train-size is for --mode local"]);
    }
    for folder in ["a", "b"] {
        room.make_directory(folder);
        room.put(&format!("{folder}/x.png"), &png(smooth(9, 9)));
    }
    // The embedded network halves what is already halved three times.
    for command in [&["plan"][..], &["eval", "a", "b"], &RESTORE] {
        let args = [command, &["--mode", "local", "--train-size", "100"]].concat();
        room.refuses(&args, 2, &["training size of 100 pixels", "multiple of 16"]);
    }
}

#[test]
fn sizes_that_are_none() {
    let room = Room::new();
    for size in ["0x0", "0x720", "1280x0", "1280", "-1x5", "1280x720x3", "x", "4294967296x1"] {
        let option = format!("--size={size}");
        room.refuses(&["plan", &option], 2, &["WIDTHxHEIGHT is expected", size]);
    }
}

#[test]
fn sizes_beyond_what_is_read() {
    let room = Room::new();
    for size in
        ["4294967295x4294967295", "4294967280x4294967280", "4294967295x1", "100000x100000", "16385x16384"]
    {
        room.refuses(&["plan", "--size", size], 2, &[size, "at most 268435456 pixels are read"]);
    }
}

/// The most pixels that are read, all in one row: too long for any buffer.
#[test]
fn sizes_beyond_every_buffer() {
    let room = Room::new();
    for config in ["derain", "denoise", "deblur"] {
        for more in [[].as_slice(), &["--precision", "f16", "--buffer-limit", "65535"]] {
            let args = [&["plan", "--size", "268435456x1", "--config", config], more].concat();
            room.refuses(&args, 1, &["fits the device's limit"]);
        }
    }
}

/// Passes take a tensor of the network that no buffer holds out of what is executed.
#[test]
fn sizes_beyond_what_is_only_defined() {
    let room = Room::new();
    let args = ["plan", "--size", "9000x600", "--config", "deblur", "--buffer-limit", "256"];
    let run = room.run(&args).succeeds();
    let peak = run.out.lines().find(|line| line.starts_with("peak, weights apart"));
    let columns: Vec<_> = peak.unwrap().split_whitespace().rev().take(2).collect();
    assert!(columns[0].parse::<f64>().is_ok_and(|mib| mib > 100.0) && columns[1] == "-", "{columns:?}");
    // What is executed has no strips of 15000 columns either, and bands that fit.
    let wider = ["plan", "--size", "15000x600", "--config", "deblur", "--buffer-limit", "256"];
    room.refuses(&wider, 1, &["fits the device's limit"]);
    let run = room.run(&[&wider[..], &["--max-memory", "64G"]].concat()).succeeds();
    assert!(run.out.contains(" bands"), "{}", run.out);
}

#[test]
fn nothing_to_do() {
    let room = Room::with_photo();
    room.refuses(&["restore", "photo.png"], 2, &["required arguments"]);
    room.refuses(&["restore", "-o", "out.png"], 2, &["required arguments"]);
    room.refuses(&["restore", "photo.png", "-o", ""], 2, &["--output"]);
    room.refuses(&["restore", "", "-o", "out.png"], 2, &["[IN]"]);
    room.refuses(&["repair"], 2, &["repair"]);
    room.refuses(&["-q", "-v", "devices"], 2, &["--quiet", "--verbose"]);
}

#[test]
fn unknown_device() {
    let room = Room::with_photo();
    for device in ["99", "18446744073709551616", "Voodoo 2"] {
        let args = ["restore", "photo.png", "-o", "out.png", "--device", device];
        room.refuses(&args, 3, &[&format!("no adapter matches {device}; there are: ")]);
    }
    room.refuses(&and(&["--device", ""]), 2, &["--device"]);
}

#[test]
fn unknown_device_in_the_environment() {
    let room = Room::with_photo();
    let command = || {
        let mut command = room.command(RESTORE);
        command.env("WGPU_ADAPTER_NAME", "Voodoo 2");
        command
    };
    room.refuses_command(&mut command(), 3, &["no adapter matches Voodoo 2"]);
    // What the command line says counts more.
    room.refuses_command(command().args(["--device", "Riva 128"]), 3, &["no adapter matches Riva 128"]);
}

/// With drivers of Vulkan hidden from it, where its loader can be told to; elsewhere with a backend that the system has
/// not.
pub fn without_adapters(command: &mut Command) -> &mut Command {
    let nothing = "/nonexistent/icd.json";
    let backend = match std::env::consts::OS {
        "windows" => "metal",
        "macos" => "dx12",
        _ => "vulkan",
    };
    command.env("WGPU_BACKEND", backend).env("VK_DRIVER_FILES", nothing).env("VK_ICD_FILENAMES", nothing)
}

#[test]
fn no_adapter() {
    let room = Room::with_photo();
    let words = ["no GPU adapter was found", "WGPU_BACKEND"];
    room.refuses_command(without_adapters(&mut room.command(RESTORE)), 3, &words);
    room.refuses_command(without_adapters(&mut room.command(["devices"])), 3, &words);
    // What needs no adapter works without one.
    let plan = without_adapters(mprnet().arg("plan")).output().unwrap();
    assert!(plan.status.success());
}

/// It is said once, not for every photo.
#[test]
fn no_adapter_for_several_photos() {
    let room = Room::with_photo();
    room.put("other.png", &png(smooth(9, 9)));
    room.make_directory("out");
    let mut command = room.command(["restore", "photo.png", "other.png", "-o", "out"]);
    room.refuses_command(without_adapters(&mut command), 3, &["no GPU adapter was found"]);

    // Programs are told of each, and of the directory that holds none.
    room.make_directory("none");
    let mut command = room.command(["restore", "photo.png", "other.png", "none", "-o", "out", "--json"]);
    let run = Run::of(without_adapters(&mut command));
    assert_eq!(run.code, 3, "{}", run.err);
    let told: Value = serde_json::from_str(&run.out).unwrap();
    let says = |text: &Value, words: &str| text.as_str().unwrap().contains(words);
    let [folder, adapter] = &told["errors"].as_array().unwrap()[..] else { panic!("{told}") };
    assert!(says(folder, "the images in none") && says(adapter, "no GPU adapter was found"), "{told}");
    let failed = |it: &Value| it["result"] == "failed" && says(&it["error"], "no GPU adapter was found");
    let files = told["files"].as_array().unwrap();
    assert!(files.len() == 2 && files.iter().all(failed), "{told}");
}

#[test]
fn unknown_backend() {
    let room = Room::with_photo();
    let mut command = room.command(RESTORE);
    room.refuses_command(
        command.env("WGPU_BACKEND", "glide"),
        3,
        &["no GPU adapter was found", "WGPU_BACKEND"],
    );
}
