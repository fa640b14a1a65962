//! `mprnet convert`: the same tensors from every container, metadata that say what they are.

use std::collections::BTreeMap;

use half::f16;
use mprnet::checkpoint::{sha256, sha256_of};
use mprnet::model::{Export, Source, Task, Weights};
use mprnet::plan::Precision;
use safetensors::SafeTensors;

use crate::{Room, Run, mprnet, repository};

/// The network of `golden/tiny.safetensors` as PyTorch writes it.
const CHECKPOINTS: [&str; 3] = ["tiny.pth", "tiny_dataparallel.pth", "tiny_legacy.pth"];

pub fn checkpoint(name: &str) -> String {
    repository("golden/checkpoints").join(name).to_str().unwrap().to_owned()
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(repository("golden").join(name)).unwrap()
}

/// What is in a safetensors file besides its header.
fn tensor_data(file: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    &file[8 + length..]
}

fn metadata(file: &[u8]) -> BTreeMap<String, String> {
    let (_, header) = SafeTensors::read_metadata(file).unwrap();
    header.metadata().clone().unwrap_or_default().into_iter().collect()
}

fn hex(bytes: &[u8]) -> String {
    sha256_of([bytes])
}

/// The example of FIPS 180-2, in pieces too.
#[test]
fn digests() {
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((sha256_of(["abc"]).as_str(), sha256_of(["a", "", "bc"]).as_str()), (expected, expected));
    let room = Room::new();
    room.put("abc", b"abc");
    assert_eq!(sha256(&room.path("abc")).unwrap(), expected);
}

/// The file that a conversion gives.
#[track_caller]
fn converted(input: &str, options: &[&str]) -> Vec<u8> {
    let room = Room::new();
    let run = room.run(&[&["convert", input, "out.safetensors"], options].concat()).succeeds();
    assert_eq!((run.out.as_str(), run.err), ("", format!("{input} -> out.safetensors\n")));
    assert_eq!(room.contents().len(), 1, "something else was left in the directory");
    std::fs::read(room.path("out.safetensors")).unwrap()
}

/// A file with these metadata, of the network of `golden/tiny.safetensors`.
fn described(room: &Room, name: &str, entries: &[(&str, &str)]) {
    let bytes = golden("tiny.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let entries = entries.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    room.put(name, &safetensors::serialize(file.tensors(), Some(entries)).unwrap());
}

#[test]
fn every_container_gives_the_golden_tensors() {
    let expected = golden("tiny.safetensors");
    let mut files = Vec::new();
    for name in CHECKPOINTS {
        let path = checkpoint(name);
        let file = converted(&path, &[]);
        assert!(tensor_data(&file) == tensor_data(&expected), "{name}");
        let source = hex(&std::fs::read(&path).unwrap());
        assert_eq!(metadata(&file)["mprnet.source_sha256"], source);
        // Nothing but the digest of the source tells them apart.
        let text = String::from_utf8_lossy(&file).replace(&source, "-");
        assert!(text.contains("\"mprnet.source_sha256\":\"-\""));
        files.push(text);
    }
    assert!(files[0] == files[1] && files[1] == files[2]);
    assert!(
        tensor_data(&converted(repository("golden/tiny.safetensors").to_str().unwrap(), &[]))
            == tensor_data(&expected)
    );
}

#[test]
fn metadata_say_what_it_is() {
    let path = checkpoint("tiny.pth");
    let file = converted(&path, &["--task", "deblur", "--license", "CC0-1.0", "--title", "Tiny \"one\""]);
    let hash = format!("0x{}", hex(tensor_data(&file)));
    let source = hex(&std::fs::read(&path).unwrap());
    let config = Weights::from_safetensors(&file, "out").unwrap().config().to_string();
    let expected = [
        ("modelspec.sai_model_spec", "1.0.1"),
        ("modelspec.architecture", "mprnet"),
        ("modelspec.implementation", "mprnet"),
        ("modelspec.title", "Tiny \"one\""),
        ("modelspec.license", "CC0-1.0"),
        ("modelspec.tags", "image-restoration, deblur"),
        ("modelspec.hash_sha256", &hash),
        ("mprnet.task", "deblur"),
        ("mprnet.config", &config),
        ("mprnet.source_sha256", &source),
        ("mprnet.source_format", "pytorch"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(metadata(&file), BTreeMap::from(expected));
}

#[test]
fn nothing_is_claimed_that_nobody_has_said() {
    let said = metadata(&converted(&checkpoint("tiny.pth"), &[]));
    assert_eq!(said["modelspec.tags"], "image-restoration");
    assert_eq!(said["modelspec.title"], "MPRNet 8/4/4/2");
    assert!(!said.contains_key("modelspec.license") && !said.contains_key("mprnet.task"), "{said:?}");
}

/// The writer's own order of metadata differs from run to run: eleven entries agree eight times by chance never.
#[test]
fn conversions_are_identical() {
    let first = converted(&checkpoint("tiny.pth"), &["--task", "derain", "--license", "MIT"]);
    for _ in 0..7 {
        assert!(first == converted(&checkpoint("tiny.pth"), &["--task", "derain", "--license", "MIT"]));
    }
    // Converting what has been converted changes nothing: it keeps the word of where it came from.
    let room = Room::new();
    room.put("first.safetensors", &first);
    room.run(&["convert", "first.safetensors", "again.safetensors"]).succeeds();
    assert!(first == std::fs::read(room.path("again.safetensors")).unwrap());
}

#[test]
fn metadata_of_the_source_are_kept() {
    let room = Room::new();
    let entries = [
        ("modelspec.sai_model_spec", "1.0.0"),
        ("modelspec.title", "My rain"),
        ("modelspec.description", "Trained at home."),
        ("modelspec.license", "research use"),
        ("modelspec.author", "A. Nother"),
        ("modelspec.date", "2024-02-30"),
        ("modelspec.tags", "photographs, derain"),
        ("modelspec.hash_sha256", "0x00"),
        ("modelspec.hash_md5", "0x00"),
        ("task", "derain"),
        ("steps", "12"),
    ];
    described(&room, "in.safetensors", &entries);
    room.run(&["convert", "in.safetensors", "out.safetensors"]).succeeds();
    let file = std::fs::read(room.path("out.safetensors")).unwrap();
    let said = metadata(&file);
    for (key, value) in [
        ("modelspec.sai_model_spec", "1.0.1"),
        ("modelspec.title", "My rain"),
        ("modelspec.description", "Trained at home."),
        ("modelspec.license", "research use"),
        ("modelspec.author", "A. Nother"),
        ("modelspec.date", "2024-02-30"),
        ("modelspec.tags", "image-restoration, derain, photographs"),
        ("modelspec.hash_sha256", &format!("0x{}", hex(tensor_data(&file)))),
        ("mprnet.task", "derain"),
        ("mprnet.source_format", "safetensors"),
        ("task", "derain"),
        ("steps", "12"),
    ] {
        assert_eq!(said.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert!(!said.contains_key("modelspec.hash_md5"), "{said:?}");
    // What the user says goes before what the file says.
    let options = ["--task", "deblur", "--license", "MIT", "--title", "Ours"];
    room.run(&[&["convert", "in.safetensors", "out.safetensors"], &options[..]].concat()).succeeds();
    let said = metadata(&std::fs::read(room.path("out.safetensors")).unwrap());
    assert_eq!(said["mprnet.task"], "deblur");
    assert_eq!(said["modelspec.tags"], "image-restoration, deblur, photographs");
    assert_eq!((said["modelspec.license"].as_str(), said["modelspec.title"].as_str()), ("MIT", "Ours"));
}

#[test]
fn halves_are_rounded() {
    let file = converted(&checkpoint("tiny.pth"), &["--f16"]);
    let expected = golden("tiny.safetensors");
    let (file, expected) =
        (SafeTensors::deserialize(&file).unwrap(), SafeTensors::deserialize(&expected).unwrap());
    assert_eq!(file.len(), expected.len());
    for (key, tensor) in expected.tensors() {
        let single = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let halves: Vec<u8> = single.flat_map(|v| f16::from_f32(v).to_le_bytes()).collect();
        let found = file.tensor(&key).unwrap();
        assert_eq!((found.dtype(), found.shape()), (safetensors::Dtype::F16, tensor.shape()), "{key}");
        assert!(found.data() == halves, "{key}");
    }
}

#[test]
fn values_past_the_range_of_halves() {
    let bytes = golden("tiny.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (value, fits) in [(65_519.0_f32, true), (65_520.0, false), (-1e9, false)] {
        let room = Room::new();
        let mut tail = file.tensor("tail.weight").unwrap().data().to_vec();
        tail[8..12].copy_from_slice(&value.to_le_bytes());
        let shape = file.tensor("tail.weight").unwrap().shape().to_vec();
        let mut tensors = file.tensors();
        tensors.retain(|(key, _)| key != "tail.weight");
        let changed = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, &tail).unwrap();
        tensors.push(("tail.weight".to_owned(), changed));
        room.put("in.safetensors", &safetensors::serialize(tensors, None).unwrap());
        let args = ["convert", "in.safetensors", "out.safetensors", "--f16"];
        if fits {
            room.run(&args).succeeds();
        } else {
            room.refuses(
                &args,
                1,
                &["tail.weight holds", " at 2", "f16's range of 65,504", "write it in f32"],
            );
            room.run(&args[..3]).succeeds();
        }
    }
}

#[test]
fn biases_and_slopes_are_kept() {
    let file = converted(repository("golden/tiny_bias_slopes.safetensors").to_str().unwrap(), &[]);
    let expected = golden("tiny_bias_slopes.safetensors");
    let (file, expected) =
        (SafeTensors::deserialize(&file).unwrap(), SafeTensors::deserialize(&expected).unwrap());
    assert!(expected.names().iter().any(|name| name.contains(".bias")));
    assert_eq!(file.len(), expected.len());
    for (key, tensor) in expected.tensors() {
        let found = file.tensor(&key).unwrap();
        assert!(found.shape() == tensor.shape() && found.data() == tensor.data(), "{key}");
    }
}

/// A file of published shape and seeded values, in f16, with no more metadata than these.
pub fn published(room: &Room, name: &str, entries: &[(&str, &str)]) {
    let weights = Weights::seeded(Task::Derain.published_config(), 0);
    let file = weights.to_safetensors(&Export { precision: Precision::F16, ..Export::default() }).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap().tensors();
    let entries = entries.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    room.put(name, &safetensors::serialize(tensors, Some(entries)).unwrap());
}

#[test]
fn terms_that_may_hold_are_noticed() {
    let room = Room::new();
    published(&room, "bare.safetensors", &[("format", "pt")]);
    let convert = |input: &str, options: &[&str]| {
        room.run(&[&["convert", input, "out.safetensors"], options].concat()).succeeds().err
    };
    let notice = |err: &str| err.contains("note: ") && err.contains("published derain network");
    let err = convert("bare.safetensors", &[]);
    assert!(notice(&err) && err.contains("non-commercial (academic) use"), "{err}");
    // A guess is not made a statement: the result is noticed as its source is.
    std::fs::rename(room.path("out.safetensors"), room.path("once.safetensors")).unwrap();
    let err = convert("once.safetensors", &[]);
    assert!(notice(&err), "{err}");
    // The terms are not known by the task, though the result states it.
    assert!(notice(&convert("bare.safetensors", &["--task", "derain"])));
    let said = metadata(&std::fs::read(room.path("out.safetensors")).unwrap());
    assert_eq!(said["mprnet.task"], "derain");
    assert_eq!(convert("bare.safetensors", &["-q"]), "");
    assert!(!notice(&convert("bare.safetensors", &["--license", "MIT"])));
    published(&room, "own.safetensors", &[("modelspec.license", "MIT")]);
    assert!(!notice(&convert("own.safetensors", &[])));
    let tiny = room.run(&["convert", &checkpoint("tiny.pth"), "out.safetensors"]).succeeds();
    assert!(!tiny.err.contains("note: "), "{}", tiny.err);
}

/// Before any photo is read.
#[test]
fn terms_are_noticed_when_restoring() {
    let room = Room::new();
    published(&room, "bare.safetensors", &[]);
    published(&room, "own.safetensors", &[("modelspec.license", "MIT")]);
    for (model, options, noticed) in [
        ("bare.safetensors", &[][..], true),
        ("bare.safetensors", &["-q"], false),
        ("own.safetensors", &[], false),
    ] {
        let args = ["restore", "none.png", "-o", "out.png", "--model", model];
        let run = room.run(&[&args, options].concat()).fails(1, &["none.png"]);
        assert_eq!(run.err.contains("note: "), noticed, "{model} {options:?}: {}", run.err);
    }
}

#[test]
fn what_cannot_be_written() {
    let room = Room::new();
    room.put("in.safetensors", &golden("tiny.safetensors"));
    room.make_directory("folder.safetensors");
    for out in ["out", "out.pth", "out.safetensors.gz", "safetensors"] {
        room.refuses(&["convert", "in.safetensors", out], 2, &[out, "must end in .safetensors"]);
    }
    for out in ["in.safetensors", "./in.safetensors", "folder.safetensors/../in.safetensors"] {
        room.refuses(&["convert", "in.safetensors", out], 2, &["would overwrite its own input"]);
    }
    room.refuses(
        &["convert", "in.safetensors", "folder.safetensors"],
        1,
        &["cannot write", "it is a directory"],
    );
    room.refuses(&["convert", "in.safetensors", "none/out.safetensors"], 1, &["no directory none"]);
    for options in [&["--license", ""][..], &["--title", ""], &["--task", "dehaze"]] {
        let args = [&["convert", "in.safetensors", "out.safetensors"], options].concat();
        room.refuses(&args, 2, &[options[0]]);
    }
}

#[test]
fn what_cannot_be_read() {
    let room = Room::new();
    room.put("photo.png", &crate::photos::png(crate::photos::smooth(9, 9)));
    room.put("out.safetensors", b"an older file");
    room.refuses(&["convert", "none.pth", "out.safetensors"], 1, &["cannot read", "none.pth"]);
    room.refuses(&["convert", "photo.png", "out.safetensors"], 1, &["cannot read weights", "photo.png"]);
}

/// An older file is replaced, and the file behind a link rather than the link.
#[test]
#[cfg(unix)]
fn older_file_is_replaced() {
    let room = Room::new();
    room.put("old.safetensors", b"an older file");
    std::os::unix::fs::symlink("old.safetensors", room.path("link.safetensors")).unwrap();
    room.run(&["convert", &checkpoint("tiny.pth"), "link.safetensors"]).succeeds();
    assert!(room.path("link.safetensors").is_symlink());
    assert!(Weights::read(&room.path("old.safetensors")).is_ok());
}

/// The library writes what the program writes.
#[test]
fn library_and_program_agree() {
    let path = checkpoint("tiny.pth");
    let export = Export {
        precision: Precision::F16,
        task: Some(Task::Denoise),
        source: Some(Source { sha256: hex(&std::fs::read(&path).unwrap()), format: "pytorch" }),
        ..Export::default()
    };
    let file = Weights::read(path.as_ref()).unwrap().to_safetensors(&export).unwrap();
    assert!(file == converted(&path, &["--f16", "--task", "denoise"]));
}

#[test]
fn help() {
    let run = Run::of(mprnet().args(["convert", "--help"])).succeeds();
    for word in ["--f16", "--task", "--license", "--title", "OUT.safetensors"] {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
}
