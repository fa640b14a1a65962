//! `mprnet devices` and `mprnet plan`, and what becomes of their output.

use std::collections::BTreeSet;
use std::process::Stdio;

use crate::{Room, Run, mprnet};

fn plan(args: &[&str]) -> String {
    let run = Run::of(mprnet().arg("plan").args(args)).succeeds();
    assert_eq!(run.err, "");
    run.out
}

/// The numbers of a row, before passes and after.
fn row(table: &str, name: &str) -> [f64; 2] {
    let line = table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {table}"));
    let mut numbers = line[name.len()..].split_whitespace().map(|n| n.parse().unwrap());
    [numbers.next().unwrap(), numbers.next().unwrap()]
}

#[test]
fn plan_of_the_shipped_denoiser() {
    let table = plan(&["--size", "451x300"]);
    assert!(table.starts_with("n_feat 16, scale_unetfeats 16, scale_orsnetfeats 16, num_cab 4"), "{table}");
    assert!(table.contains("894315 parameters, 451x300, f32"), "{table}");
    let [defined, executed] = row(&table, "operators");
    assert!(executed < defined && executed > 100.0, "{table}");
    assert!(row(&table, "prelu")[1] < 0.5, "{table}");
    assert_eq!((row(&table, "pad"), row(&table, "crop")), ([1.0, 1.0], [1.0, 1.0]), "{table}");
    let [_, bound] = row(&table, "peak of live tensors");
    let [_, slots] = row(&table, "tensors in slots");
    assert!(slots >= bound && bound > 0.0, "{table}");
    let file = crate::repository("models/denoise.safetensors");
    assert_eq!(plan(&["--size", "451x300", "--model", file.to_str().unwrap()]), table);
}

#[test]
fn plans_of_the_published_networks() {
    for (config, widths) in [("derain", "40"), ("denoise", "80"), ("deblur", "96")] {
        let table = plan(&["--config", config]);
        assert!(table.starts_with(&format!("n_feat {widths}, ")), "{table}");
        let [_, f32_bytes] = row(&table, "tensors in slots");
        let [_, f16_bytes] = row(&plan(&["--config", config, "--precision", "f16"]), "tensors in slots");
        assert!(f16_bytes < 0.6 * f32_bytes, "{config}: {f16_bytes} {f32_bytes}");
    }
}

#[test]
fn plans_of_earlier_stages() {
    let [one, two, three] = ["1", "2", "3"].map(|stage| row(&plan(&["--stage", stage]), "operators"));
    assert!(one[0] < two[0] && two[0] < three[0]);
    assert!(one[1] < two[1] && two[1] < three[1]);
}

#[test]
fn names_of_tensors() {
    let names = plan(&["--tensors"]);
    for name in ["stage1_encoder.0", "sam12", "stage1", "tail", "stage3"] {
        assert!(names.lines().any(|line| line == name), "{name}");
    }
}

#[test]
fn devices() {
    let run = Run::of(mprnet().arg("devices")).succeeds();
    assert_eq!(run.err, "");
    assert!(run.out.starts_with("0: "), "{}", run.out);
    for word in ["backend ", "driver ", "f16 ", "subgroups ", "cooperative matrices ", "limits: buffer "] {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
}

#[test]
fn devices_of_one_backend() {
    let backends = |list: &str| -> Vec<String> {
        let rest = list.lines().filter_map(|line| line.strip_prefix("   backend "));
        rest.map(|rest| rest.split(',').next().unwrap().to_owned()).collect()
    };
    let all = Run::of(mprnet().arg("devices")).succeeds();
    for backend in backends(&all.out) {
        let some = Run::of(mprnet().arg("devices").env("WGPU_BACKEND", &backend)).succeeds();
        let listed = backends(&some.out);
        assert!(!listed.is_empty() && listed.iter().all(|b| *b == backend), "{}", some.out);
    }
}

#[test]
fn help_names_the_exit_codes() {
    let run = Run::of(mprnet().arg("--help")).succeeds();
    assert!(run.out.contains("Exit codes: 0"), "{}", run.out);
    let version = Run::of(mprnet().arg("--version")).succeeds();
    assert_eq!(version.out, concat!("mprnet ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn help_is_a_command_too() {
    let out = |args: &[&str]| Run::of(mprnet().args(args)).succeeds().out;
    assert_eq!(out(&["help"]), out(&["--help"]));
    assert_eq!(out(&["help", "bench"]), out(&["bench", "--help"]));
    Run::of(mprnet().args(["help", "benches"])).fails_at_once(2, &["unrecognized subcommand 'benches'"]);
}

/// Commands that use one adapter do not offer several.
#[test]
fn adapters_that_a_command_takes() {
    let several =
        |command| Run::of(mprnet().args([command, "--help"])).succeeds().out.contains("also several");
    assert!(["derain", "denoise", "deblur", "restore", "eval"].into_iter().all(several));
    assert!(!["calibrate", "doctor", "conformance", "bench", "profile"].into_iter().any(several));
}

/// As `mprnet plan | head` has it.
#[test]
fn output_that_nobody_reads() {
    for args in [&["plan"][..], &["plan", "--tensors"], &["devices"]] {
        let mut child = mprnet().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()), "{args:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_onto_a_full_disk() {
    let full = || std::fs::File::create("/dev/full").unwrap();
    for args in [&["plan"][..], &["devices"]] {
        Run::of(mprnet().args(args).stdout(full())).fails_at_once(1, &["cannot write to standard output"]);
    }
    // Messages that cannot be written are no reason to fail otherwise.
    let room = Room::with_photo();
    let mut command = room.command(["restore", "photo.png", "-o", "out.bmp"]);
    assert_eq!(command.stderr(full()).status().unwrap().code(), Some(2));
}

#[test]
fn shells_and_manuals_know_the_arguments() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = Run::of(mprnet().args(["completions", shell])).succeeds().out;
        assert!(script.contains("denoise") && script.contains("strip-metadata"), "{shell}: {script}");
    }
    let room = Room::new();
    Run::of(&mut room.command(["man", "."])).succeeds();
    let page = |name: &str| std::fs::read_to_string(room.path(name)).unwrap();
    assert!(page("mprnet.1").contains("mprnet\\-denoise(1)") && page("mprnet.1").contains("Exit codes"));
    assert!(page("mprnet-denoise.1").contains("\\-\\-strip\\-metadata"));
    Run::of(&mut room.command(["man", "nowhere"])).fails_at_once(1, &["there is no directory nowhere"]);
}

/// What words of a text are long options.
fn options(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    words.filter(|word| word.len() > 2 && word.starts_with("--")).map(str::to_owned).collect()
}

/// Every option is in the documents, and every option in their tables is one.
#[test]
fn documents_have_the_options_that_there_are() {
    let document = |name| std::fs::read_to_string(crate::repository(&format!("docs/{name}.md"))).unwrap();
    let text = ["guide", "performance", "platforms"].map(document).concat();
    let commands = [
        "derain",
        "denoise",
        "deblur",
        "restore",
        "eval",
        "convert",
        "calibrate",
        "inspect",
        "devices",
        "doctor",
        "conformance",
        "plan",
        "bench",
        "profile",
        "completions",
        "man",
    ];
    let help = |command| Run::of(mprnet().args([command, "--help"])).succeeds().out;
    let known = options(&commands.map(help).concat());
    let missing: Vec<_> = known.difference(&options(&text)).cloned().collect();
    assert!(known.len() > 40 && missing.is_empty(), "not in docs/: {missing:?}");
    let rows = text.lines().filter(|line| line.starts_with("| `-"));
    let cells: String = rows.filter_map(|row| row.split('|').nth(1)).collect();
    let unknown: Vec<_> = options(&cells).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "no options: {unknown:?}");
}
