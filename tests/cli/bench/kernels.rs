//! `--kernel`: the ladder of variants.

use mprnet::kernels::Variant;
use serde_json::Value;

use crate::{Run, mprnet};

fn rows(args: &[&str]) -> Vec<Value> {
    let fixed = ["bench", "-q", "--rounds", "2", "--size", "24x30", "--format", "json", "--kernel"];
    let run = Run::of(mprnet().args(fixed).args(args)).succeeds();
    assert_eq!(run.err, "");
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn the_ladder() {
    let rows = rows(&["conv3x3", "--channels", "8,20", "--precision", "f32,f16"]);
    let mut expected = Vec::new();
    for channels in [8, 20] {
        for precision in ["f32", "f16"] {
            expected.extend(Variant::ALL.iter().map(|v| (channels, precision, v.name())));
        }
    }
    let names: Vec<_> = rows
        .iter()
        .map(|r| {
            (
                r["channels"].as_u64().unwrap(),
                r["precision"].as_str().unwrap(),
                r["variant"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(names, expected);
    for row in &rows {
        let verdict = row["verdict"].as_str().unwrap();
        if verdict.starts_with("not used: ") {
            assert!(row["wall"].is_null() && row["gflops_direct"].is_null(), "{row}");
            continue;
        }
        assert_eq!(verdict, "right", "{row}");
        let (error, bound) = (row["error"].as_f64().unwrap(), row["bound"].as_f64().unwrap());
        assert!(error > 0.0 && error <= bound, "{row}");
        let half = row["precision"] == "f16";
        assert_eq!(half, error > 5e-5, "{row}: f16 is stored in f16");
        assert_eq!(half, bound == 1e-3, "{row}");
        let clock = if row["gpu"].is_null() { "wall" } else { "gpu" };
        let seconds = row[clock]["median"].as_f64().unwrap();
        let channels = row["channels"].as_f64().unwrap();
        let rate = 2.0 * 9.0 * channels * channels * 24.0 * 30.0 / seconds * 1e-9;
        let told = row["gflops_direct"].as_f64().unwrap();
        assert!((told - rate).abs() < 1e-9 * rate, "{row}");
    }
    assert_eq!(rows[0]["speedup"], 1.0);
}

/// Every variant's stages with their workgroups, and nothing measured.
#[test]
fn without_rounds_there_is_what_would_be_executed() {
    let fixed =
        ["bench", "-q", "--rounds", "0", "--size", "24x30", "--format", "json", "--kernel", "conv3x3"];
    let run = Run::of(mprnet().args(fixed).args(["--channels", "20"])).succeeds();
    let rows: Vec<Value> = serde_json::from_str(&run.out).unwrap();
    assert_eq!(rows.len(), Variant::ALL.len());
    for row in &rows {
        if row["verdict"].as_str().unwrap().starts_with("not used: ") {
            assert!(row["stages"].is_null(), "{row}");
            continue;
        }
        assert_eq!((&row["verdict"], row.get("wall")), (&"not run".into(), None), "{row}");
        let stages = row["stages"].as_array().unwrap();
        let sum = |name: &str| stages.iter().map(|stage| stage[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum("multiply_adds"), 9 * 20 * 20 * 24 * 30, "{row}");
        assert!(stages.iter().all(|stage| stage["workgroups"].as_u64() > Some(0)), "{row}");
        let winograd = row["variant"].as_str().unwrap().starts_with("winograd");
        assert_eq!(winograd, sum("executed") < sum("multiply_adds"), "{row}");
    }
}

#[test]
fn variants_that_are_not_asked_for() {
    let rows = rows(&["conv3x3", "--channels", "8", "--precision", "exact", "--variant", "winograd4,block"]);
    assert_eq!(rows.len(), 2);
    assert!(rows[0]["verdict"].as_str().unwrap().contains("direct sums"), "{}", rows[0]);
    assert_eq!((&rows[1]["variant"], &rows[1]["verdict"]), (&Value::from("block"), &Value::from("right")));
}

#[test]
fn other_kernels() {
    for (kernel, values) in [("conv1x1", 2.0 * 12.0), ("gate", 3.0 * 12.0), ("pool-cells", 12.0)] {
        let rows = rows(&[kernel, "--channels", "12"]);
        let [row] = &rows[..] else { panic!("one row of {kernel}") };
        assert_eq!((&row["verdict"], &row["variant"]), (&Value::from("right"), &Value::from("auto")));
        let clock = if row["gpu"].is_null() { "wall" } else { "gpu" };
        // Gates and sums per cell are little beside images.
        let rate = values * 24.0 * 30.0 * 4.0 / row[clock]["median"].as_f64().unwrap() * 1e-9;
        let told = row["gb_per_s"].as_f64().unwrap();
        assert!(told >= rate * 0.999 && told < rate * 1.05, "{row}");
    }
}
