//! `mprnet conformance` and `mprnet doctor`.

use serde_json::Value;

use crate::arguments::without_adapters;
use crate::{Room, Run, mprnet, repository};

/// What is found here, also in right.json.
fn report(room: &Room, options: &[&str]) -> Value {
    let all = [&["conformance", "-q", "-o", "right.json"], options].concat();
    Run::of(&mut room.command(all)).succeeds();
    serde_json::from_slice(&std::fs::read(room.path("right.json")).unwrap()).unwrap()
}

/// Reports of some checks of this adapter: one as it is, and one with an operator, a variant and a network that are made wrong.
fn reports(room: &Room) -> Value {
    let right = report(room, &["--only", "5->7", "--only", "tiled", "--only", "tiny"]);
    let mut wrong = right.clone();
    wrong["adapter"]["name"] = "Voodoo <2>|3".into();
    wrong["kernels"][0]["error"] = 0.5.into();
    let kernels = wrong["kernels"].as_array_mut().unwrap();
    let variant = kernels.iter_mut().find(|kernel| kernel["variant"] == "tiled").unwrap();
    variant["repeats"] = false.into();
    wrong["networks"][2]["tensors"][3]["twin"] = Value::Null;
    room.put("wrong.json", wrong.to_string().as_bytes());
    right
}

#[test]
fn a_report_and_two_side_by_side() {
    let room = Room::new();
    let right = reports(&room);
    assert_eq!(right["networks"].as_array().unwrap().len(), 8);
    assert_eq!(right["kernels"].as_array().unwrap().len(), 2 * 2 + 3 * 2, "{right}");
    assert!(right["timing"].is_null());

    let table = Run::of(&mut room.command(["conformance", "right.json", "wrong.json"])).succeeds().out;
    let row =
        |name: &str| table.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap().to_owned();
    assert!(row("adapter").ends_with("| Voodoo <2>\\|3 |"), "{table}");
    assert!(row("conv3x3 5->7, f32").ends_with("| 5.0e-1 WRONG |"), "{table}");
    assert!(row("tiled, f32").ends_with("DIFFERS BETWEEN RUNS |"), "{table}");
    assert!(row("tiny, 48x32, f32, fused").ends_with("not a number WRONG |"), "{table}");
    assert!(row("checks made").contains(", 0 | ") && row("checks made").ends_with(", 3 |"), "{table}");
    assert!(table.contains("\n- 2: network tiny, f32, fused: "), "{table}");

    Run::of(&mut room.command(["conformance", "right.json", "wrong.json", "-o", "page.html"])).succeeds();
    let page = std::fs::read_to_string(room.path("page.html")).unwrap();
    assert!(page.contains("Voodoo &lt;2&gt;|3") && !page.contains("<2>") && page.ends_with("</html>\n"));
}

/// What tools/drivers.sh runs on every driver.
#[test]
#[cfg_attr(
    not(feature = "heavy-tests"),
    ignore = "a minute where nothing is compiled yet: --features heavy-tests"
)]
fn everything_is_checked() {
    let all = report(&Room::new(), &[]);
    assert_eq!(all["networks"].as_array().unwrap().len(), 8);
    let kernels = all["kernels"].as_array().unwrap();
    let measured = |k: &&Value| {
        k["outcome"] == "measured" && k["error"].as_f64().unwrap() <= k["bound"].as_f64().unwrap()
    };
    assert!(kernels.iter().filter(measured).count() > 100, "{kernels:?}");
    assert!(all["timing"]["first"].as_f64().unwrap() > 0.0);
}

/// A platform is held to PyTorch's tensors, not to the twin alone.
#[test]
fn a_platform_that_errs() {
    let room = Room::new();
    let golden = std::fs::read(repository("golden/tiny_32x48.safetensors")).unwrap();
    let mut tensors = safetensors::SafeTensors::deserialize(&golden).unwrap().tensors();
    let moved: Vec<u8> = {
        let (_, feature) = tensors.iter().find(|(name, _)| name == "stage3").unwrap();
        let values = feature.data().chunks_exact(4).map(|v| f32::from_le_bytes(v.try_into().unwrap()));
        values.flat_map(|value| (value + 0.1).to_le_bytes()).collect()
    };
    for (name, view) in &mut tensors {
        if name == "stage3" {
            *view =
                safetensors::tensor::TensorView::new(view.dtype(), view.shape().to_vec(), &moved).unwrap();
        }
    }
    room.put("tensors", &safetensors::serialize(tensors, None).unwrap());
    room.put("weights", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room.put("networks.json", br#"[{"name": "moved", "weights": "weights", "tensors": "tensors"}]"#);
    let run = room.run(&["conformance", "-q", "--golden", ".", "--only", "moved"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let wrong: Vec<&str> =
        run.err.lines().filter(|line| line.starts_with("wrong: network moved, f32")).collect();
    assert!(wrong.len() > 1, "{}", run.err);
    assert!(run.out.contains("WRONG"), "{}", run.out);

    // A tensor that the twin has and PyTorch has not.
    let mut report = report(&room, &["--only", "tiny"]);
    let tensors = report["networks"][0]["tensors"].as_array_mut().unwrap();
    let known = tensors.iter_mut().find(|tensor| tensor["pytorch"].is_number()).unwrap();
    known["pytorch"] = 0.5.into();
    let name = known["name"].as_str().unwrap().to_owned();
    room.put("wrong.json", report.to_string().as_bytes());
    let table = room.run(&["conformance", "wrong.json"]).succeeds().out;
    assert!(table.contains(&format!("{name} differs from PyTorch's by 5.0e-1, more than ")), "{table}");
}

#[test]
fn reports_that_are_none() {
    let room = Room::new();
    room.put("text.json", b"no report");
    room.put("other.json", b"{\"format\": 7}");
    room.put("photo.json", &[0xff; 64]);
    for name in ["text.json", "other.json", "photo.json"] {
        Run::of(&mut room.command(["conformance", name])).fails_at_once(1, &["cannot read the report", name]);
    }
    // It has no end.
    if cfg!(unix) {
        let endless = ["conformance", "/dev/zero"];
        Run::of(&mut room.command(endless)).fails_at_once(1, &["/dev/zero", "larger than 64 MiB"]);
    }
    Run::of(&mut room.command(["conformance", "none.json"])).fails_at_once(1, &["cannot read none.json"]);
    let both = ["conformance", "text.json", "--golden", "."];
    Run::of(&mut room.command(both)).fails_at_once(2, &["cannot be used with"]);
    let none = ["conformance", "--only", "no such kernel"];
    Run::of(&mut room.command(none)).fails_at_once(2, &["no such kernel", "names are as in a report"]);
    let json = ["conformance", "text.json", "--format", "json"];
    Run::of(&mut room.command(json)).fails_at_once(2, &["md or html"]);
    let over = ["conformance", "text.json", "-o", "text.json"];
    Run::of(&mut room.command(over)).fails_at_once(2, &["text.json"]);
}

#[test]
fn golden_folders_that_are_none() {
    let room = Room::new();
    let golden = |room: &Room| Run::of(&mut room.command(["conformance", "--golden", "."]));
    golden(&room).fails_at_once(1, &["networks.json"]);
    let copy = |name: &str| room.put(name, &std::fs::read(repository("golden").join(name)).unwrap());
    copy("tiny.safetensors");
    let lists = [
        ("[]", "lists no network"),
        ("[{\"name\": \"a\"}]", "missing field"),
        ("[{\"name\": \"a\", \"tensors\": \"none\", \"weights\": \"tiny.safetensors\"}]", "none"),
        (
            "[{\"name\": \"a\", \"tensors\": \"tiny.safetensors\", \"weights\": \"tiny.safetensors\"}]",
            "input",
        ),
        (
            "[{\"name\": \"a\", \"tensors\": \"x\", \"seeded\": {\"config\": \"b\", \"seed\": 1}}]",
            "published configuration",
        ),
    ];
    for (list, word) in lists {
        room.put("networks.json", list.as_bytes());
        golden(&room).fails_at_once(1, &[word]);
    }
}

#[test]
fn doctor() {
    let text = Run::of(mprnet().arg("doctor")).succeeds().out;
    assert!(
        text.contains("Photos are restored correctly on ") && text.contains("known answer in f16: right"),
        "{text}"
    );
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("cache");
    let mut command = mprnet();
    command.args(["doctor", "--json"]).env("HOME", home.path()).env("MPRNET_CACHE", &cache);
    let told = Run::of(&mut command).succeeds().out;
    assert!(!told.contains(home.path().to_str().unwrap()), "a private path is told: {told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["adapters"][0]["answers"][0]["precision"], "f32");
    assert!(told["adapters"][0]["answers"][0]["error"].as_f64().unwrap() < 1e-5);
    assert!(told["adapters"][0]["ceilings"][0]["measured"].as_f64().unwrap() > 0.0);
}

#[test]
fn doctor_without_adapters() {
    let run = Run::of(without_adapters(mprnet().arg("doctor")));
    assert_eq!(run.code, 3);
    assert!(
        run.out.contains("no adapter can be used") && run.out.contains("cannot be restored"),
        "{}",
        run.out
    );
    let mut unknown = mprnet();
    Run::of(unknown.args(["doctor", "--device", "Voodoo"])).fails_at_once(3, &["Voodoo"]);
}
