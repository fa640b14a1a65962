//! `--predicted`: a column of what was predicted.

use serde_json::{Value, json};

use crate::{Room, repository};

/// Of the adapter that tests have, for a kernel and a network; and of another.
fn predictions() -> Value {
    let kernel = |adapter: &str, variant: &str, seconds: f64| {
        json!({"adapter": adapter, "kernel": "conv3x3", "channels": 8, "size": "24x30", "precision": "f32",
               "variant": variant, "seconds": seconds})
    };
    let network = json!({"adapter": "llvmpipe", "model": "derain", "size": "8x8", "precision": "f32",
                         "variant": "auto", "seconds": 0.5});
    let kernels = [kernel("RX 7900 XTX", "block", 9.0), kernel("llvmpipe", "block", 0.25)];
    json!({"made_by": "a test", "predictions": [kernels[0], kernels[1], network]})
}

fn bench(args: &[&str]) -> String {
    let room = Room::new();
    room.put("predicted.json", predictions().to_string().as_bytes());
    let fixed = ["bench", "-q", "--rounds", "1", "--predicted", "predicted.json"];
    let run = room.run(&[&fixed[..], args].concat()).succeeds();
    assert_eq!(run.err, "");
    run.out
}

const KERNEL: [&str; 8] =
    ["--kernel", "conv3x3", "--channels", "8", "--size", "24x30", "--variant", "block,direct"];

#[test]
fn runs_have_what_was_predicted_for_their_adapter() {
    let rows: Vec<Value> =
        serde_json::from_str(&bench(&[&KERNEL[..], &["--format", "json"]].concat())).unwrap();
    assert!(rows[0]["adapter"].as_str().unwrap().contains("llvmpipe"), "{}", rows[0]);
    assert_eq!((&rows[0]["predicted"], &rows[1]["predicted"]), (&json!(0.25), &Value::Null));
    assert!(rows[0]["wall"]["median"].is_f64(), "{}", rows[0]);
}

#[test]
fn tables_and_csv_have_the_column() {
    let table = bench(&KERNEL);
    let mut lines = table.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let at = names.iter().position(|&name| name == "predicted").unwrap();
    assert_eq!(names[at - 1], "gpu");
    assert_eq!(lines.nth(1).unwrap()[at], "250 ms");
    let text = bench(&[&KERNEL[..], &["--format", "csv"]].concat());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let at = reader.headers().unwrap().iter().position(|name| name == "predicted").unwrap();
    let rows: Vec<_> = reader.records().map(|record| record.unwrap()[at].to_owned()).collect();
    assert_eq!(rows, ["0.25", ""]);
}

#[test]
fn networks_are_what_the_adapter_is_given() {
    let rows: Vec<Value> =
        serde_json::from_str(&bench(&["--config", "derain", "--size", "8x8", "--format", "json"])).unwrap();
    assert_eq!(rows[0]["predicted"], 0.5, "{}", rows[0]);
    let other = ["--config", "derain", "--size", "8x8", "--variant", "block", "--format", "json"];
    let rows: Vec<Value> = serde_json::from_str(&bench(&other)).unwrap();
    assert!(rows[0]["predicted"].is_null(), "{}", rows[0]);
}

#[test]
fn without_a_file_there_is_no_column() {
    let room = Room::new();
    let run = room.run(&[&["bench", "-q", "--rounds", "1"], &KERNEL[..]].concat()).succeeds();
    assert!(!run.out.contains("predicted"), "{}", run.out);
}

#[test]
fn files_that_are_no_predictions_are_refused_before_anything_is_measured() {
    let room = Room::new();
    let mut nothing = predictions();
    nothing["predictions"][0]["seconds"] = json!(0.0);
    let mut unknown = predictions();
    unknown["predictions"][0]["flavour"] = json!("salt");
    for (name, text, words) in [
        ("text.json", "hello".to_owned(), "expected value"),
        ("other.json", "[1]".to_owned(), "cannot read other.json"),
        ("zero.json", nothing.to_string(), "not more than 0"),
        ("unknown.json", unknown.to_string(), "flavour"),
    ] {
        room.put(name, text.as_bytes());
        room.refuses(&["bench", "--predicted", name], 1, &[name, words]);
    }
    room.refuses(&["bench", "--predicted", "none.json"], 1, &["none.json"]);
    room.refuses(&["bench", "--channels", "8"], 2, &["--channels is for --kernel"]);
    let photo = repository("samples/noisy.png").display().to_string();
    room.refuses(&["bench", "--predicted", &photo], 1, &["noisy.png"]);
}
