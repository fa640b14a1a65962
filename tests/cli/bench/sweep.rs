//! Networks, and how rows are written.

use serde_json::Value;

use super::{Tensor, file};
use crate::{Room, Run, mprnet, repository};

fn bench(args: &[&str]) -> Run {
    Run::of(mprnet().args(["bench", "-q", "--rounds", "2", "--tune", "off"]).args(args)).succeeds()
}

/// A network that is small.
fn tiny() -> String {
    repository("golden/tiny.safetensors").into_os_string().into_string().unwrap()
}

fn rows(args: &[&str]) -> Vec<Value> {
    let run = bench(&[&["--model", &tiny(), "--format", "json"], args].concat());
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn modes_are_measured_beside_one_another() {
    let rows = rows(&["--size", "32x16", "--mode", "global,local", "--train-size", "16"]);
    let modes: Vec<&str> = rows.iter().map(|row| row["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["global", "local"]);
    assert!(rows.iter().all(|row| row["wall"].is_object()), "{rows:?}");
}

#[test]
fn every_combination_is_measured() {
    let lists = ["--size", "9x16,24x8", "--precision", "f32,f16,exact", "--variant", "block,winograd4"];
    let rows = rows(&lists);
    let names: Vec<String> = rows
        .iter()
        .map(|row| ["size", "precision", "variant"].map(|key| row[key].as_str().unwrap()).join(" "))
        .collect();
    let expected = |size: &str| {
        ["f32 block", "f32 winograd4", "f16 block", "f16 winograd4", "exact block", "exact winograd4"]
            .map(|rest| format!("{size} {rest}"))
    };
    assert_eq!(names, [expected("9x16"), expected("24x8")].concat());
    for row in &rows {
        if row["precision"] == "exact" && row["variant"] == "winograd4" {
            assert!(row["note"].as_str().unwrap().contains("direct sums"), "{row}");
            assert_eq!((&row["rounds"], &row["wall"]), (&Value::from(0), &Value::Null), "{row}");
            continue;
        }
        assert_eq!((&row["rounds"], &row["note"]), (&Value::from(2), &Value::Null), "{row}");
        assert!(row["adapter"].is_string() && row["driver"].is_string(), "{row}");
        for clock in ["wall", "cpu", "gpu"].iter().filter(|clock| !row[**clock].is_null()) {
            let [min, median, max] = ["min", "median", "max"].map(|key| row[*clock][key].as_f64().unwrap());
            // What takes less than a tick of Windows's clock of CPU time has taken none.
            assert!(0.0 < min || cfg!(windows) && *clock == "cpu" && min == 0.0, "{row}");
            assert!(min <= median && median <= max, "{row}");
        }
        assert!(row["wall"].is_object() && row["cpu"].is_object(), "{row}");
        assert!(row["first"].as_f64().unwrap() > 0.0, "{row}");
        let (pixels, seconds) = (if row["size"] == "9x16" { 144.0 } else { 192.0 }, &row["wall"]["median"]);
        let rate = pixels / seconds.as_f64().unwrap() * 1e-6;
        let told = row["megapixels_per_s"].as_f64().unwrap();
        assert!((rate - told).abs() < 1e-9 * rate, "{row}");
    }
}

#[test]
fn tables_and_csv() {
    let args = ["--model", &tiny(), "--size", "8x8", "--variant", "block", "--format"];
    let table = bench(&[&args[..], &["md"]].concat()).out;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[0].starts_with("| model ") && lines[1].starts_with("|---"), "{table}");
    assert!(lines.iter().all(|line| line.matches('|').count() == lines[0].matches('|').count()), "{table}");
    assert!(lines[2].contains("| 8x8 ") && lines[2].contains(" .. ") && lines[2].contains("s)"), "{table}");
    let csv = bench(&[&args[..], &["csv"]].concat()).out;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    for name in ["model", "adapter", "driver", "wall", "wall_min", "wall_max", "cpu_max", "gpu_min"] {
        assert!(header.iter().any(|column| column == name), "{csv}");
    }
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 1, "{csv}");
    let wall = header.iter().position(|column| column == "wall").unwrap();
    let [median, min, max] = [0, 1, 2].map(|i| records[0][wall + i].parse::<f64>().unwrap());
    assert!(min <= median && median <= max, "{csv}");
}

/// In the form that its extension names; and a file that cannot be written is told of at once.
#[test]
fn into_a_file() {
    let room = Room::new();
    let args = ["bench", "-q", "--model", &tiny(), "--size", "8x8", "--rounds", "1", "-o"];
    let run = |file: &str| Run::of(&mut room.command([&args[..], &[file]].concat()));
    assert_eq!(run("rows.json").succeeds().out, "");
    let rows: serde_json::Value =
        serde_json::from_slice(&std::fs::read(room.path("rows.json")).unwrap()).unwrap();
    assert_eq!(rows[0]["size"], "8x8");
    run("no/rows.json").fails_at_once(1, &["there is no directory no"]);
    let own = ["bench", "--predicted", "rows.json", "--kernel", "gate", "-o", "rows.json"];
    Run::of(&mut room.command(own)).fails_at_once(2, &["rows.json"]);
}

#[test]
fn auto_tells_what_it_is() {
    let rows = rows(&["--size", "8x8", "--precision", "exact"]);
    assert_eq!(rows[0]["variant"], "auto: block");
}

#[test]
fn the_embedded_model_and_published_ones() {
    let run = bench(&["--size", "8x8", "--format", "json"]);
    assert!(run.out.contains("\"embedded denoise\""), "{}", run.out);
    let run = bench(&["--config", "derain", "--size", "8x8", "--format", "csv"]);
    assert!(run.out.lines().nth(1).unwrap().starts_with("derain,8x8,f32,"), "{}", run.out);
}

/// One that cannot be measured does not keep others from it.
#[test]
fn weights_too_large_for_f16() {
    let room = Room::new();
    let mut tensors = Tensor::read_all(&repository("golden/tiny.safetensors"));
    let tail = tensors.iter_mut().find(|tensor| tensor.name == "tail.weight").unwrap();
    tail.values.iter_mut().for_each(|v| *v *= 1e9);
    room.put("large.safetensors", &file(&tensors));
    let lists = ["--size", "8x8", "--precision", "f16,f32", "--variant", "block", "--format", "json", "-q"];
    let run = room.run(&[&["bench", "--rounds", "1", "--model", "large.safetensors"], &lists[..]].concat());
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.starts_with("error: tail.weight holds values past f16's range"), "{}", run.err);
    let rows: Vec<Value> = serde_json::from_str(&run.out).unwrap();
    assert_eq!((&rows[0]["rounds"], &rows[1]["rounds"]), (&Value::from(0), &Value::from(1)), "{}", run.out);
    assert!(rows[0]["note"].as_str().unwrap().contains("f16's range"), "{}", run.out);
}

#[test]
fn what_is_refused() {
    let room = Room::new();
    for (args, words) in [
        (&["--config", "dehaze"][..], "derain, denoise or deblur"),
        (&["--size", "0x8"], "WIDTHxHEIGHT"),
        (&["--rounds", "0"], "--rounds 0 is for --kernel"),
        (&["--variant", "fast"], "auto, all or one of direct"),
        (&["--precision", "f8"], "f8"),
        (&["--format", "xml"], "xml"),
        (&["--tune", "maybe"], "maybe"),
        (&["--kernel", "conv3x3", "--config", "derain"], "--config"),
        (&["--kernel", "conv3x3", "--channels", "0"], "--channels"),
        (&["--kernel", "gate", "--variant", "all,tiled"], "--variant is for 3x3 convolutions"),
    ] {
        room.refuses(&[&["bench"], args].concat(), 2, &[words]);
    }
    room.refuses(&["bench", "--model", "none.safetensors"], 1, &["none.safetensors"]);
}
