//! `mprnet profile`: where the time of a network goes.

use serde_json::Value;

use crate::{Room, repository};

const SIZE: [&str; 4] = ["--size", "40x24", "--runs", "1"];

fn profile(room: &Room, more: &[&str]) -> String {
    let args = [&["profile", "-q"], &SIZE[..], more].concat();
    let run = room.run(&args).succeeds();
    assert_eq!(run.err, "");
    run.out
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn list<'a>(of: &'a Value, name: &str) -> &'a Vec<Value> {
    of[name].as_array().unwrap_or_else(|| panic!("{name}: {of}"))
}

fn sum(of: &[Value], name: &str) -> f64 {
    of.iter().map(|v| v[name].as_f64().unwrap()).sum()
}

/// The operators of the network as it is executed, by `mprnet plan`.
fn planned(room: &Room, more: &[&str]) -> usize {
    let table = room.run(&[&["plan", "--size", "40x24"], more].concat()).succeeds().out;
    let line = table.lines().find(|line| line.starts_with("operators")).unwrap().to_owned();
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn every_operator_is_in_the_json() {
    let room = Room::new();
    let report = json(&profile(&room, &["--format", "json"]));
    let (operators, spans) = (list(&report, "operators"), list(&report, "spans"));
    assert_eq!(operators.len(), planned(&room, &[]));
    let nodes: Vec<u64> = operators.iter().map(|o| o["node"].as_u64().unwrap()).collect();
    assert!(nodes.iter().copied().eq(0..nodes.len() as u64), "{nodes:?}");
    let mut of_spans: Vec<u64> = spans.iter().map(|s| s["node"].as_u64().unwrap()).collect();
    of_spans.dedup();
    assert_eq!(of_spans, nodes);
    let seconds = report["seconds"].as_f64().unwrap();
    for rows in [operators, spans, list(&report, "kinds")] {
        assert!((sum(rows, "seconds") / seconds - 1.0).abs() < 1e-9 && seconds > 0.0);
        assert!((sum(rows, "share") - 1.0).abs() < 1e-9);
        for count in ["multiply_adds", "executed", "bytes"] {
            assert_eq!(sum(rows, count), sum(operators, count), "{count}");
            assert!(sum(rows, count) > 0.0, "{count}");
        }
    }
    let mut last = 0.0;
    for span in spans.iter().filter(|s| s["stage"] == 0) {
        let start = list(span, "intervals")[0]["start"].as_f64().unwrap();
        assert!(start >= last, "{span}");
        last = start;
    }
    for interval in spans.iter().flat_map(|s| list(s, "intervals")) {
        assert!(interval["end"].as_f64() >= interval["start"].as_f64(), "{interval}");
    }
}

#[test]
fn the_json_says_what_was_measured_on_what() {
    let room = Room::new();
    let report = json(&profile(
        &room,
        &["--format", "json", "--task", "derain", "--precision", "exact", "--stage", "1"],
    ));
    assert_eq!((&report["width"], &report["height"]), (&40.into(), &24.into()));
    assert_eq!((&report["precision"], &report["model"]), (&"exact".into(), &"embedded, derain".into()));
    assert_eq!(report["mprnet"], env!("CARGO_PKG_VERSION"));
    assert!(report["date"].as_str().is_some_and(|date| date.len() == 20 && date.ends_with('Z')));
    for key in ["name", "backend", "driver"] {
        assert!(report["adapter"][key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    let names: Vec<_> = list(&report, "ceilings").iter().map(|c| c["resource"].as_str().unwrap()).collect();
    assert_eq!(names, ["f32", "f16", "matrices", "memory"]);
    for ceiling in list(&report, "ceilings") {
        assert!(
            ceiling["used"].as_f64().is_some_and(|used| used > 0.0) || ceiling["note"].is_string(),
            "{ceiling}"
        );
    }
    // Exact is direct sums alone, so nothing is saved.
    for operator in list(&report, "operators") {
        assert_eq!(operator["executed"], operator["multiply_adds"], "{operator}");
        assert!(operator["of_ceiling"].as_f64().is_some_and(|share| share > 0.0), "{operator}");
        let seconds = operator["seconds"].as_f64().unwrap();
        let flops = 2.0 * operator["executed"].as_f64().unwrap() / seconds;
        assert!((operator["flops"].as_f64().unwrap() - flops).abs() <= 1e-9 * flops, "{operator}");
    }
    assert_eq!(list(&report, "operators").len(), planned(&room, &["--stage", "1"]));
}

/// What would be executed is the same, workgroups included, and nothing of it has a time.
#[test]
fn without_runs_there_is_the_same_work() {
    let room = Room::new();
    let options = ["--tune", "off", "--format", "json"];
    let run = json(&profile(&room, &options));
    let args = [&["profile", "-q", "--size", "40x24", "--runs", "0"], &options[..]].concat();
    let told = json(&room.run(&args).succeeds().out);
    assert_eq!(told["runs"], 0);
    assert!(list(&told, "ceilings").is_empty());
    assert_eq!(list(&told, "spans").len(), list(&run, "spans").len());
    for (told, run) in list(&told, "spans").iter().zip(list(&run, "spans")) {
        for same in
            ["node", "stage", "kernel", "outputs", "multiply_adds", "executed", "bytes", "scratch_bytes"]
        {
            assert_eq!(told[same], run[same], "{same}");
        }
        assert!(list(told, "intervals").is_empty() && told["seconds"] == 0.0, "{told}");
        let grid: u64 = list(told, "grid").iter().map(|side| side.as_u64().unwrap()).product();
        let groups = told["workgroups"].as_u64().unwrap();
        assert!(
            grid > 0 && groups >= grid && groups <= grid * told["dispatches"].as_u64().unwrap(),
            "{told}"
        );
    }
}

#[test]
fn a_trace_has_an_event_for_each_interval() {
    let room = Room::new();
    let out = profile(&room, &["--format", "trace", "-o", "run.trace"]);
    assert_eq!(out, "");
    let trace = json(&std::fs::read_to_string(room.path("run.trace")).unwrap());
    let events: Vec<_> = list(&trace, "traceEvents").iter().filter(|e| e["ph"] == "X").collect();
    assert!(events.len() >= planned(&room, &[]));
    let mut times: Vec<[f64; 2]> =
        events.iter().map(|e| ["ts", "dur"].map(|key| e[key].as_f64().unwrap())).collect();
    times.sort_by(|a, b| a[0].total_cmp(&b[0]));
    assert!(times.iter().all(|[start, duration]| *start >= 0.0 && *duration >= 0.0));
    // One track: nothing overlaps.
    assert!(times.windows(2).all(|pair| pair[1][0] >= pair[0][0] + pair[0][1] - 1e-3));
    for event in events {
        assert!(
            event["name"].is_string() && event["cat"].is_string() && event["args"]["node"].is_u64(),
            "{event}"
        );
    }
}

#[test]
fn a_page_loads_nothing_and_shows_every_operator() {
    let room = Room::new();
    profile(&room, &["--output", "page.html"]);
    let page = std::fs::read_to_string(room.path("page.html")).unwrap();
    for outside in ["http:", "https:", "//", "<script", "<link", "<img", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    for tag in ["svg", "table", "tr", "td", "text", "circle", "title", "p"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        let closed = page.matches(&format!("</{tag}>")).count();
        let alone = page.lines().filter(|l| l.starts_with(&format!("<{tag} ")) && l.ends_with("/>")).count();
        assert_eq!(opened, closed + alone, "{tag}");
    }
    let report = json(&profile(&room, &["--format", "json"]));
    for operator in list(&report, "operators") {
        assert!(page.contains(&format!(">{}<", operator["tensor"].as_str().unwrap())), "{operator}");
    }
    let dots = list(&report, "operators").iter().filter(|o| o["executed"].as_u64() > Some(0)).count();
    assert_eq!(page.matches("<circle").count() - page.matches("r=\"5\"").count(), dots);
    assert!(!page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn a_table_has_kinds_operators_and_ceilings() {
    let room = Room::new();
    let model = repository("golden/tiny.safetensors");
    let table = profile(&room, &["--model", model.to_str().unwrap(), "--precision", "f16"]);
    for words in ["conv3x3", "attention", "longest 20 operators", "memory", "matrices", "tiny.safetensors"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    assert!(table.lines().all(|line| line.chars().count() < 180), "{table}");
    let random = profile(&room, &["--config", "derain", "--stage", "1"]);
    assert!(random.contains("random weights, published derain configuration"), "{random}");
}

#[test]
fn what_cannot_be_profiled() {
    let room = Room::with_photo();
    let refuses =
        |args: &[&str], code, words: &[&str]| room.refuses(&[&["profile"], args].concat(), code, words);
    refuses(&["--size", "0x4"], 2, &["--size"]);
    refuses(&["--runs", "1001"], 2, &["--runs"]);
    refuses(&["--format", "xml"], 2, &["xml"]);
    refuses(&["--task", "derain", "--config", "derain"], 2, &["cannot be used with"]);
    refuses(&["--task", "derain", "--model", "photo.png"], 2, &["cannot be used with"]);
    refuses(&["--model", "photo.png"], 1, &["cannot read weights", "photo.png"]);
    refuses(&["--model", "photo.png", "--output", "photo.png"], 2, &["photo.png", "would overwrite"]);
    refuses(&["--output", "no/where.json"], 1, &["there is no directory"]);
    refuses(&["--device", "no such adapter"], 3, &["no such adapter"]);
}
