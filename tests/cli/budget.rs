//! `--max-memory`: photos in bands of rows.

use image::RgbImage;

use crate::photos::png;
use crate::{Room, Run, mprnet, repository};

/// A room with a photo that is higher than wide.
fn room() -> Room {
    let room = Room::new();
    let value = |x: u32, y: u32, c: u32| ((x * 7 + y * 3 + c * 50) % 200 + (x * y) % 50) as u8;
    room.put(
        "tall.png",
        &png(RgbImage::from_fn(64, 256, |x, y| image::Rgb([0, 1, 2].map(|c| value(x, y, c))))),
    );
    room
}

#[test]
fn within_a_budget_a_photo_has_the_same_bytes() {
    let room = room();
    room.run(&["denoise", "tall.png", "-o", "whole.png"]).succeeds();
    let run = room.run(&["denoise", "tall.png", "-o", "bands.png", "--max-memory", "2M"]).succeeds();
    assert!(run.err.contains("bands, since the whole takes more than 2048 KiB of the device"), "{}", run.err);
    assert!(std::fs::read(room.path("bands.png")).unwrap() == std::fs::read(room.path("whole.png")).unwrap());
    let run = room.run(&["denoise", "tall.png", "-o", "enough.png", "--max-memory", "1G"]).succeeds();
    assert!(!run.err.contains("bands"), "{}", run.err);
}

#[test]
fn a_budget_that_is_too_small_is_one_line_and_no_file() {
    let room = room();
    let run = room.run(&["denoise", "tall.png", "-o", "out.png", "-q", "--max-memory", "100K"]);
    let run = run.fails(1, &["tall.png", "--max-memory"]);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert!(!room.path("out.png").exists());
    let run = room.run(&["denoise", "tall.png", "-o", "out.png", "--max-memory", "much"]);
    run.fails_at_once(2, &["--max-memory"]);
}

#[test]
fn plans_tell_what_a_budget_makes_of_a_photo() {
    let plan = |more: &[&str]| {
        let run = Run::of(mprnet().args(["plan", "--config", "deblur", "--size", "4000x3000"]).args(more));
        run.succeeds().out
    };
    let number = |table: &str, name: &str| -> f64 {
        let line =
            table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {table}"));
        line.split_whitespace().last().unwrap().parse().unwrap()
    };
    for (budget, mib) in [("8G", 8192.0), ("4G", 4096.0), ("2G", 2048.0)] {
        let table = plan(&["--precision", "f16", "--max-memory", budget]);
        assert!(number(&table, "device, MiB") <= mib, "{table}");
        assert!(number(&table, "work that bands repeat, %") <= 15.0, "{table}");
        assert!(number(&table, "time, to that of the whole") >= 1.0, "{table}");
        assert!(number(&table, "host, MiB") > 0.0, "{table}");
    }
    assert!(!plan(&[]).contains("within"));
}

#[test]
fn bench_compares_bands_with_the_whole() {
    let tiny = repository("golden/tiny.safetensors");
    let mut bench = mprnet();
    bench.args(["bench", "-q", "--rounds", "1", "--tune", "off", "--format", "json", "--size", "56x210"]);
    let run = Run::of(bench.arg("--model").arg(tiny).args(["--max-memory", "4M,2M", "--verify"])).succeeds();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&run.out).unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| (row["max_memory_mib"].as_u64(), row["verified"].as_str())).collect();
    assert_eq!(told, [(None, None), (Some(4), Some("same bytes")), (Some(2), Some("same bytes"))]);
}

#[test]
fn bench_tells_the_error_of_tiles() {
    let tiny = repository("golden/tiny.safetensors");
    let bench = |format: &str, more: &[&str]| {
        let mut bench = mprnet();
        bench.args(["bench", "-q", "--rounds", "1", "--tune", "off", "--size", "40x56", "--format", format]);
        bench.args(["--mode", "tiled", "--verify"]).args(more);
        Run::of(bench.arg("--model").arg(&tiny))
    };
    let parts = ["-t", "24", "--overlap", "8"];
    let rows: Vec<serde_json::Value> = serde_json::from_str(&bench("json", &parts).succeeds().out).unwrap();
    let [whole, tiles] = &rows[..] else { panic!("two rows are expected: {rows:?}") };
    assert_eq!((whole["mode"].as_str(), tiles["mode"].as_str()), (Some("global"), Some("tiled")));
    assert!(whole["largest_error"].is_null() && whole["psnr_db"].is_null(), "{whole}");
    let (largest, psnr) = (tiles["largest_error"].as_f64().unwrap(), tiles["psnr_db"].as_f64().unwrap());
    assert!((1.0 / 255.0..=1.0).contains(&largest), "{largest}");
    // No error is larger than the largest.
    assert!(psnr >= -20.0 * largest.log10() - 0.01 && psnr < 100.0, "{psnr} dB, {largest}");
    let csv = bench("csv", &parts).succeeds().out;
    assert!(csv.lines().next().unwrap().ends_with(",verified,largest_error,psnr_db"), "{csv}");
    let fields = csv.lines().nth(2).unwrap().rsplit(',').take(2).map(|field| field.parse::<f64>().unwrap());
    assert!(fields.zip([psnr, largest]).all(|(field, told)| (field - told).abs() < 1e-9), "{csv}");
    let table = bench("md", &parts).succeeds().out;
    assert!(
        table.contains(&format!("| {largest:.4} ")) && table.contains(&format!("| {psnr:.2} ")),
        "{table}"
    );
    // A photo of one tile has no error.
    let rows: Vec<serde_json::Value> = serde_json::from_str(&bench("json", &[]).succeeds().out).unwrap();
    assert_eq!((rows[1]["largest_error"].as_f64(), rows[1]["psnr_db"].as_f64()), (Some(0.0), None));
}

#[test]
fn bench_refuses_what_has_no_use() {
    let bench = |args: &[&str]| Run::of(mprnet().args(["bench", "-q"]).args(args));
    bench(&["--verify"]).fails_at_once(2, &["--verify", "--mode tiled"]);
    bench(&["--tile", "64"]).fails_at_once(2, &["--tile", "--mode tiled"]);
}
