//! `mprnet inspect`: what a model is, as a table and as JSON.

use serde_json::Value;

use crate::convert::{checkpoint, published};
use crate::{Room, Run, mprnet, repository};

fn table(args: &[&str]) -> String {
    let run = Run::of(mprnet().arg("inspect").args(args)).succeeds();
    assert_eq!(run.err, "");
    run.out
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&table(&[args, &["--json"]].concat())).unwrap()
}

/// What stands after a name at the beginning of a line.
fn value<'a>(table: &'a str, name: &str) -> &'a str {
    let line = table.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name}: {table}")).trim()
}

/// The two numbers of a row.
fn row(table: &str, name: &str) -> [f64; 2] {
    let numbers: Vec<f64> = value(table, name).split_whitespace().map(|n| n.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

#[test]
fn pytorch_checkpoints() {
    for (name, format) in [
        ("tiny.pth", "PyTorch (zip)"),
        ("tiny_dataparallel.pth", "PyTorch (zip)"),
        ("tiny_legacy.pth", "PyTorch (legacy)"),
    ] {
        let path = checkpoint(name);
        let table = table(&[&path]);
        assert_eq!(value(&table, "model "), path);
        assert_eq!(value(&table, "format"), format!("{format}, F32"));
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert_eq!(value(&table, "size"), format!("{bytes} bytes"));
        assert_eq!((value(&table, "task"), value(&table, "licence")), ("not stated", "not stated"));
        let widths =
            "n_feat 8, scale_unetfeats 4, scale_orsnetfeats 4, num_cab 2, reduction 4, pixel shuffle 1";
        assert_eq!(value(&table, "configuration"), widths);
        let json = json(&[&path]);
        assert_eq!((&json["format"], &json["bytes"]), (&format.into(), &bytes.into()));
        assert_eq!(json["sha256"], mprnet::checkpoint::sha256(path.as_ref()).unwrap());
        assert_eq!(json["metadata"], serde_json::json!({}));
        assert!(json["task"].is_null() && json["license"].is_null() && json["notice"].is_null());
        assert!(json["largest_feature"].is_null());
    }
}

#[test]
fn embedded_models() {
    for task in ["derain", "denoise", "deblur"] {
        let embedded = json(&[task]);
        assert_eq!((&embedded["task"], &embedded["license"]), (&task.into(), &"research use".into()));
        assert_eq!(embedded["model"], format!("the embedded {task} model"));
        assert_eq!(embedded["dtypes"], serde_json::json!(["F16"]));
        assert_eq!(embedded["parameters"], 894_315);
        assert!(embedded["largest_feature"].as_f64().is_some_and(|largest| largest > 1.0));
        assert_eq!(embedded["configuration"]["pixel_shuffle"], 2);
        // It is the file of the repository, and is told of as any file.
        let path = repository(&format!("models/{task}.safetensors"));
        let mut file = json(&[path.to_str().unwrap()]);
        assert_eq!(file["model"], path.to_str().unwrap());
        file["model"] = embedded["model"].clone();
        assert_eq!(file, embedded);
    }
    let room = Room::new();
    std::fs::copy(checkpoint("tiny.pth"), room.path("derain")).unwrap();
    let run = room.run(&["inspect", "derain"]).succeeds();
    assert_eq!(value(&run.out, "format"), "PyTorch (zip), F32");
}

#[test]
fn table_and_json_agree() {
    let (table, json) = (table(&["denoise"]), json(&["denoise"]));
    let counts = &json["multiply_adds"];
    let giga = |count: &Value| (count.as_u64().unwrap() as f64 * 1e-8).round() / 10.0;
    for (name, pointer) in [
        ("stage 1", "/stages/0"),
        ("stage 2", "/stages/1"),
        ("stage 3", "/stages/2"),
        ("conv3x3", "/kinds/conv3x3"),
        ("conv1x1", "/kinds/conv1x1"),
        ("all", "/total"),
    ] {
        let of = |form: &str| giga(counts[form].pointer(pointer).unwrap());
        assert_eq!(row(&table, name), [of("as_defined"), of("as_executed")], "{name}");
    }
    // 6.7 G is what models/README.md says.
    assert_eq!(row(&table, "all")[0], 6.7);
    let sum = |form: &str| {
        counts[form]["stages"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>()
    };
    for form in ["as_defined", "as_executed"] {
        assert_eq!(counts[form]["total"], sum(form));
    }
    assert!(sum("as_executed") < sum("as_defined"));
    let needs = |stored: &str, key: &str| json["memory"][stored][key].as_u64().unwrap();
    let mib = |bytes: u64| (bytes as f64 / 104_857.6).round() / 10.0;
    for (name, key) in [
        ("tensors in slots", "slot_bytes"),
        ("peak of live tensors", "live_bytes"),
        ("weights, packed", "weight_bytes"),
    ] {
        let [wide, narrow] = ["f32", "f16"].map(|stored| needs(stored, key));
        assert_eq!(row(&table, name), [wide, narrow].map(mib), "{name}");
        assert!(narrow < wide && narrow > wide * 2 / 5, "{name}: {narrow} {wide}");
    }
    assert!(needs("f32", "live_bytes") <= needs("f32", "slot_bytes"));
    assert_eq!(row(&table, "slots")[0], needs("f32", "slots") as f64);
}

/// As executed, with the limits that `plan` assumes, it is the plan of `mprnet plan`.
#[test]
fn memory_is_that_of_the_plan() {
    let inspected = table(&["denoise", "--size", "451x300"]);
    assert!(inspected.contains("memory at 451x300, MiB"), "{inspected}");
    for (column, precision) in ["f32", "f16"].into_iter().enumerate() {
        let plan =
            Run::of(mprnet().args(["plan", "--size", "451x300", "--precision", precision])).succeeds().out;
        for name in ["slots", "tensors in slots", "peak of live tensors", "weights, packed"] {
            assert_eq!(row(&inspected, name)[column], row(&plan, name)[1], "{name}");
        }
    }
}

#[test]
fn arithmetic_grows_with_the_photo() {
    let total =
        |size: &str| json(&["denoise", "--size", size])["multiply_adds"]["as_defined"]["total"].as_u64();
    assert_eq!(total("512x256"), total("256x256").map(|count| 2 * count));
    // Of a photo that is padded all that the network sees is counted.
    assert_eq!(total("250x241"), total("256x256"));
    let odd = json(&["denoise", "--size", "250x241"]);
    assert_eq!(odd["size"], serde_json::json!({ "width": 250, "height": 241 }));
}

#[test]
fn published_shape() {
    let room = Room::new();
    published(&room, "bare.safetensors", &[]);
    published(
        &room,
        "own.safetensors",
        &[("modelspec.license", "MIT"), ("modelspec.thumbnail", &"x".repeat(999))],
    );
    let run = room.run(&["inspect", "bare.safetensors"]).succeeds();
    assert!(
        run.err.starts_with("note: ") && run.err.contains("non-commercial (academic) use"),
        "{}",
        run.err
    );
    assert!(value(&run.out, "task").starts_with("derain, by its shapes"), "{}", run.out);
    assert_eq!(row(&run.out, "all")[0], 141.0);
    let quiet = room.run(&["inspect", "bare.safetensors", "--json", "-q"]).succeeds();
    assert_eq!(quiet.err, "");
    let bare: Value = serde_json::from_str(&quiet.out).unwrap();
    assert_eq!((&bare["task"], &bare["task_presumed"]), (&"derain".into(), &true.into()));
    assert!(bare["notice"].as_str().unwrap().contains("published derain network"));
    let run = room.run(&["inspect", "own.safetensors"]).succeeds();
    assert_eq!(
        (run.err.as_str(), value(&run.out, "task"), value(&run.out, "licence")),
        ("", "not stated", "MIT")
    );
    assert!(run.out.lines().all(|line| line.len() < 250), "{}", run.out);
}

/// Metadata may hold anything, such as what moves a terminal's cursor.
#[test]
fn metadata_of_a_hostile_file() {
    let room = Room::new();
    published(&room, "own.safetensors", &[("modelspec.license", "a\u{1b}[2Jb\nfake: c"), ("k\u{7}\n", "v")]);
    let run = room.run(&["inspect", "own.safetensors"]).succeeds();
    assert!(run.out.chars().all(|c| c == '\n' || !c.is_control()), "{:?}", run.out);
    assert!(!run.out.lines().any(|line| line.starts_with("fake")), "{}", run.out);
    let run = room.run(&["inspect", "own.safetensors", "--json"]).succeeds();
    let json: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(json["license"], "a\u{1b}[2Jb\nfake: c");
}

#[test]
fn what_cannot_be_inspected() {
    let room = Room::with_photo();
    room.refuses(&["inspect", "dehaze"], 1, &["cannot read", "dehaze"]);
    room.refuses(&["inspect", "photo.png"], 1, &["cannot read weights", "photo.png"]);
    room.refuses(&["inspect"], 2, &["required arguments"]);
    for size in ["256", "0x256", "x", "99999x99999"] {
        room.refuses(&["inspect", "denoise", "--size", size], 2, &["--size"]);
    }
}
