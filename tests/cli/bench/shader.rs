//! `--shader`: a kernel from a file.

use serde_json::Value;

use crate::{Room, Run, repository};

const ARGS: [&str; 12] = [
    "bench",
    "-q",
    "--shader",
    "mine.wgsl",
    "--channels",
    "8",
    "--size",
    "24x30",
    "--rounds",
    "2",
    "--format",
    "json",
];

fn shipped(name: &str) -> String {
    std::fs::read_to_string(repository("shaders").join(name)).unwrap()
}

/// Runs it on a shader of that text.
fn bench(text: &str, args: &[&str]) -> Run {
    let room = Room::new();
    room.put("mine.wgsl", text.as_bytes());
    room.run(&[&ARGS, args].concat())
}

fn rows(run: &Run) -> Vec<Value> {
    serde_json::from_str(&run.out).unwrap()
}

#[test]
fn the_same_shader() {
    for (name, args) in [
        ("conv3x3/block.wgsl", &["--variant", "block", "--precision", "f16"][..]),
        ("conv3x3/winograd_input.wgsl", &["--variant", "winograd2", "--stage", "1"]),
        ("conv3x3/winograd_output.wgsl", &["--variant", "winograd2", "--stage", "3"]),
        ("gate.wgsl", &["--kernel", "gate"]),
        ("conv1x1.wgsl", &["--kernel", "conv1x1"]),
    ] {
        let run = bench(&shipped(name), args).succeeds();
        let rows = rows(&run);
        let shader = name.trim_end_matches(".wgsl");
        let names = [format!("{shader} as shipped"), format!("{shader}, checked"), "mine.wgsl".to_owned()];
        assert_eq!(rows.iter().map(|row| row["variant"].as_str().unwrap()).collect::<Vec<_>>(), names);
        for row in &rows {
            assert_eq!(row["verdict"], "right", "{row}");
            assert_eq!(row["rounds"], 2, "{row}");
            assert_eq!(row["error"], rows[0]["error"], "the bits are the same");
        }
    }
}

/// The file is what runs, and what is wrong with its results is seen.
#[test]
fn wrong_results() {
    let text = shipped("gate.wgsl");
    let wrong = text.replace(" * ", " + ");
    assert_ne!(text, wrong);
    let run = bench(&wrong, &["--kernel", "gate"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("error: gate mine.wgsl gives wrong results at 8 channels"), "{}", run.err);
    let rows = rows(&run);
    assert_eq!((&rows[0]["verdict"], &rows[2]["verdict"]), (&Value::from("right"), &Value::from("WRONG")));
}

#[test]
fn shaders_that_do_not_compile() {
    let text = shipped("gate.wgsl");
    for (what, broken, words) in [
        ("syntax", format!("\n\nfn broken( {{\n{text}"), vec!["mine.wgsl", "wgsl:3:12"]),
        ("an unknown name", text.replace("values(gates[", "values(missing["), vec!["missing", "wgsl:31:23"]),
        ("nothing to call", text.replace("fn main", "fn other"), vec!["main"]),
        ("empty", String::new(), vec!["main"]),
    ] {
        let run = bench(&broken, &["--kernel", "gate"]);
        assert_eq!(run.code, 1, "{what}: {}", run.err);
        assert!(
            run.err.starts_with("error: the shader in mine.wgsl cannot be used: "),
            "{what}: {}",
            run.err
        );
        for word in words {
            assert!(run.err.contains(word), "{what}: {}", run.err);
        }
        assert_eq!(run.out, "", "{what}");
    }
}

/// In f16 the linked module begins with a directive; lines are still counted as in the file.
#[test]
fn lines_are_those_of_the_file() {
    let broken = format!("\n\nfn broken( {{\n{}", shipped("gate.wgsl"));
    let run = bench(&broken, &["--kernel", "gate", "--precision", "f16"]);
    assert!(run.err.contains("wgsl:3:12"), "{}", run.err);
}

#[test]
fn what_is_written_elsewhere_is_missed() {
    let text = shipped("pool_cells.wgsl");
    let elsewhere = text.replace("dst[", "dst[1000000000 + ");
    assert_ne!(text, elsewhere);
    let run = bench(&elsewhere, &["--kernel", "pool-cells"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("gives wrong results"), "{}", run.err);
}

#[test]
fn what_is_refused() {
    let room = Room::new();
    room.refuses(&ARGS, 1, &["cannot read mine.wgsl"]);
    room.put("mine.wgsl", b"\xff\xfe");
    room.refuses(&ARGS, 1, &["cannot read mine.wgsl"]);
    room.put("mine.wgsl", &vec![b' '; (1 << 20) + 1]);
    room.refuses(&ARGS, 1, &["larger than 1 MiB"]);
    room.put("mine.wgsl", shipped("conv3x3/block.wgsl").as_bytes());
    let with = |args: &[&'static str]| [&ARGS, args].concat();
    room.refuses(&with(&["--variant", "all"]), 2, &["one --variant"]);
    room.refuses(&with(&["--precision", "f32,f16"]), 2, &["one --variant and one --precision"]);
    let winograd = ["--variant", "winograd4"];
    room.refuses(&with(&winograd), 2, &["--stage: 1 conv3x3/winograd_input, 2 conv3x3/winograd_multiply"]);
    let fourth = ["--variant", "winograd4", "--stage", "4"];
    room.refuses(&with(&fourth), 2, &["there is no stage 4; there are: 1 "]);
    room.refuses(&with(&["--variant", "block", "--stage", "0"]), 2, &["there is no stage 0"]);
    room.refuses(&with(&["--variant", "winograd4", "--precision", "exact"]), 2, &["direct sums"]);
    room.refuses(&["bench", "--stage", "1"], 2, &["required arguments"]);
}
