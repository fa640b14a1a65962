//! `mprnet calibrate`, and what `--precision f16` does with its results and without.

use std::collections::BTreeMap;

use mprnet::model::{Export, FeaturePeaks, Weights};
use mprnet::plan::Precision;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::overflowing::{loud, steep};
use crate::photos::{png, sample, smooth};
use crate::{Room, Run, repository};

/// The metadata that calibration writes.
const PEAKS: &str = "mprnet.feature_peaks";

/// A room with a photo and, in f32, the model.
fn room(weights: &Weights) -> Room {
    let room = Room::new();
    room.put("photo.png", &png(sample("noisy.png", 40, 24)));
    room.put("model.safetensors", &weights.to_safetensors(&Export::default()).unwrap());
    room
}

fn read(room: &Room, name: &str) -> Vec<u8> {
    std::fs::read(room.path(name)).unwrap()
}

fn metadata(file: &[u8]) -> BTreeMap<String, String> {
    let (_, header) = SafeTensors::read_metadata(file).unwrap();
    header.metadata().clone().unwrap_or_default().into_iter().collect()
}

/// Restores the photo and gives the picture and what was said, but for the adapter.
fn restored(room: &Room, model: &str, options: &[&str]) -> (Vec<u8>, String) {
    let args = ["restore", "photo.png", "-o", "out.png", "--model", model];
    let run = room.run(&[&args, options].concat()).succeeds();
    assert_eq!(run.out, "");
    let said = run.err.split_inclusive('\n').filter(|line| !line.starts_with("no GPU is used"));
    (read(room, "out.png"), said.collect())
}

/// What is said where nothing is unusual.
const DONE: &str = "photo.png -> out.png\n";

#[test]
fn calibration_is_written_and_used() {
    let room = room(&loud());
    let args = ["calibrate", "model.safetensors", "photo.png", "photo.png", "-o", "out.safetensors"];
    let run = room.run(&args).succeeds();
    let moves = "moved          2 of 46 groups of features: shallow_feat2.0 times 2^-14, \
                 stage1_encoder.encoder_level2.1.body.1 times 2^-15";
    assert!(run.out.contains(moves), "{}", run.out);
    assert!(run.err.ends_with("model.safetensors -> out.safetensors\n"), "{}", run.err);

    // Nothing but metadata is new.
    let (before, after) = (read(&room, "model.safetensors"), read(&room, "out.safetensors"));
    let [old, new] = [&before, &after].map(|file| SafeTensors::deserialize(file).unwrap());
    assert_eq!(old.names().len(), new.names().len());
    for (name, tensor) in old.tensors() {
        let written = new.tensor(&name).unwrap();
        assert!(written.data() == tensor.data() && written.dtype() == tensor.dtype(), "{name}");
    }
    let peaks: BTreeMap<String, f32> = serde_json::from_str(&metadata(&after)[PEAKS]).unwrap();
    assert_eq!(peaks.len(), 46);
    assert!(peaks["shallow_feat2.0"] > 65_504.0 && peaks["concat23"] < 100.0, "{peaks:?}");

    // A conversion keeps it, and the program tells of it.
    room.run(&["convert", "out.safetensors", "again.safetensors", "--f16"]).succeeds();
    let kept = metadata(&read(&room, "again.safetensors"));
    assert_eq!(kept[PEAKS], metadata(&after)[PEAKS]);
    let table = room.run(&["inspect", "again.safetensors"]).succeeds().out;
    let largest = peaks.values().copied().fold(0.0, f32::max);
    assert!(table.contains(&format!("f16            calibrated; features reach {largest}\n")), "{table}");
    let json: Value =
        serde_json::from_str(&room.run(&["inspect", "out.safetensors", "--json"]).succeeds().out).unwrap();
    assert_eq!(json["largest_feature"].as_f64().unwrap() as f32, largest);

    let (single, said) = restored(&room, "out.safetensors", &[]);
    assert_eq!(said, DONE);
    let (half, said) = restored(&room, "out.safetensors", &["--precision", "f16"]);
    assert_eq!(said, DONE);
    assert!(half != single);
    let (_, said) = restored(&room, "out.safetensors", &["--precision", "f16", "-v"]);
    assert!(!said.contains("measured features"), "{said}");
    let (measured, said) = restored(&room, "model.safetensors", &["--precision", "f16", "-v"]);
    assert!(said.contains("measured features for f16") && !said.contains("WARN"), "{said}");
    assert!(measured == half);
}

/// The rows of the table: a name, the largest error, decibels, and a share in percent.
fn rows(out: &str) -> Vec<(String, [f64; 3])> {
    let (_, table) = out.split_once("8-bit values apart\n").unwrap();
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: &str| word.trim_end_matches('%').parse().unwrap();
        (words[0].to_owned(), [number(words[1]), number(words[2]), number(words[3])])
    };
    table.lines().map(row).collect()
}

#[test]
fn what_f16_costs_is_told() {
    let room = room(&loud());
    room.put("other.png", &png(smooth(24, 17)));
    let run = room.run(&["calibrate", "model.safetensors", "photo.png", "other.png"]).succeeds();
    let rows = rows(&run.out);
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["photo.png", "other.png", "all"]);
    for (name, [error, psnr, share]) in &rows {
        assert!((1e-5..2e-2).contains(error) && *psnr > 60.0 && *share < 10.0, "{name}: {}", run.out);
        // No error is larger than the largest.
        assert!(*psnr > -20.0 * (error * 1.05).log10(), "{name}: {}", run.out);
    }
    let all = rows[2].1;
    assert_eq!(all[0], rows[0].1[0].max(rows[1].1[0]));
    assert!(all[1] >= rows[0].1[1].min(rows[1].1[1]) && all[1] <= rows[0].1[1].max(rows[1].1[1]));
    // Nothing is written where nothing is asked for.
    assert_eq!(room.contents().len(), 3);
    let embedded = room.run(&["calibrate", "denoise", "photo.png", "-q"]).succeeds();
    assert!(embedded.out.contains("model          the embedded denoise model\n") && embedded.err.is_empty());
}

#[test]
fn values_stay_in_16_bits() {
    let room = room(&loud());
    room.run(&["convert", "model.safetensors", "half.safetensors", "--f16"]).succeeds();
    room.run(&["calibrate", "half.safetensors", "photo.png", "-o", "out.safetensors", "-q"]).succeeds();
    let data = |name: &str| {
        let file = read(&room, name);
        let tensors = SafeTensors::deserialize(&file).unwrap();
        tensors.tensors().into_iter().map(|(key, t)| (key, t.data().to_vec())).collect::<BTreeMap<_, _>>()
    };
    assert!(data("half.safetensors") == data("out.safetensors"));
}

#[test]
fn a_model_that_f16_cannot_hold_runs_in_f32() {
    let room = room(&steep());
    let (single, _) = restored(&room, "model.safetensors", &[]);
    let (half, said) = restored(&room, "model.safetensors", &["--precision", "f16"]);
    assert!(half == single);
    let warning = said.strip_suffix(DONE).unwrap();
    assert!(warning.contains("sam12.conv3.weight") && warning.contains("f32 is used instead"), "{said}");
    assert_eq!(warning.lines().count(), 1, "{said}");
    assert_eq!(restored(&room, "model.safetensors", &["--precision", "f16", "-q"]), (half, String::new()));

    // Scores say what they are of.
    for directory in ["in", "target"] {
        room.make_directory(directory);
        room.put(&format!("{directory}/a.png"), &read(&room, "photo.png"));
    }
    let args =
        ["eval", "in", "target", "--model", "model.safetensors", "--precision", "f16", "--format", "json"];
    let scores: Value = serde_json::from_str(&room.run(&args).succeeds().out).unwrap();
    assert_eq!(scores["precision"], "f32");
    let args = ["calibrate", "model.safetensors", "photo.png"];
    room.run(&args).fails(1, &["sam12.conv3.weight", "f16's range"]);
}

#[test]
fn a_photo_that_overflows_all_the_same_is_restored_in_f32() {
    let mut low = FeaturePeaks::default();
    low.note("concat12", 1.0);
    let room = room(&loud());
    let export = Export { peaks: Some(low), ..Export::default() };
    room.put("low.safetensors", &loud().to_safetensors(&export).unwrap());
    let (single, _) = restored(&room, "low.safetensors", &[]);
    let (half, said) = restored(&room, "low.safetensors", &["--precision", "f16"]);
    assert!(half == single);
    assert!(said.contains("f16's range with this photo; it is restored in f32\n"), "{said}");
}

#[test]
fn metadata_that_no_calibration_writes() {
    let bytes = loud().to_safetensors(&Export { precision: Precision::F32, ..Export::default() }).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let room = room(&loud());
    let (expected, _) = restored(&room, "model.safetensors", &["--precision", "f16"]);
    for text in ["", "peaks", "{\"concat12\":-1}", "{\"concat12\":\"\u{1b}[2J\"}"] {
        let entries = [(PEAKS.to_owned(), text.to_owned())].into();
        room.put("odd.safetensors", &safetensors::serialize(tensors.tensors(), Some(entries)).unwrap());
        let (half, said) = restored(&room, "odd.safetensors", &["--precision", "f16"]);
        assert!(half == expected, "{text}");
        let warning = said.strip_suffix(DONE).unwrap();
        let words = ["WARN", PEAKS, "calibrate again", "measured on the first photo"];
        assert!(words.iter().all(|word| warning.contains(word)), "{said}");
        assert!(warning.lines().count() == 1 && !warning.contains('\u{1b}'), "{said:?}");
        // f32 has no use for it.
        assert_eq!(restored(&room, "odd.safetensors", &[]).1, DONE);
        let run = room.run(&["inspect", "odd.safetensors"]).succeeds();
        assert!(
            run.err.starts_with("note: mprnet.feature_peaks") && run.err.lines().count() == 1,
            "{}",
            run.err
        );
        assert!(run.out.contains("not calibrated"), "{}", run.out);
        // What is wrong is replaced.
        room.run(&["calibrate", "odd.safetensors", "photo.png", "-o", "good.safetensors"]).succeeds();
        let good = metadata(&read(&room, "good.safetensors"));
        assert!(good[PEAKS].starts_with("{\"concat12\":"), "{good:?}");
    }
}

#[test]
fn what_cannot_be_calibrated() {
    let room = Room::with_photo();
    room.put("weights.safetensors", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room.refuses(&["calibrate", "weights.safetensors"], 2, &["required arguments"]);
    room.refuses(&["calibrate", "none.safetensors", "photo.png"], 1, &["cannot read", "none.safetensors"]);
    room.refuses(&["calibrate", "photo.png", "photo.png"], 1, &["cannot read weights", "photo.png"]);
    room.refuses(&["calibrate", "weights.safetensors", "none.png"], 1, &["cannot read", "none.png"]);
    let onto = |out: &'static str| ["calibrate", "weights.safetensors", "photo.png", "-o", out];
    room.refuses(&onto("out.pth"), 2, &["must end in .safetensors"]);
    room.refuses(&onto("weights.safetensors"), 2, &["would overwrite"]);
    room.refuses(&onto("none/out.safetensors"), 1, &["no directory none"]);
    room.refuses(
        &["calibrate", "weights.safetensors", "photo.png", "--device", "Voodoo 2"],
        3,
        &["Voodoo 2"],
    );
}

#[test]
fn help() {
    let run = Run::of(crate::mprnet().args(["calibrate", "--help"])).succeeds();
    for word in ["--output", "--device", "PHOTO", "MODEL", "256x256"] {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
}
