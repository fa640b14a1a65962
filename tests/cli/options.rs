//! What options change, on a part of the noisy sample.

use std::sync::OnceLock;

use image::RgbImage;
use safetensors::SafeTensors;

use crate::photos::{png, sample};
use crate::{Room, Run, mprnet, repository};

const WIDTH: u32 = 112;
const HEIGHT: u32 = 72;

/// A tensor of the middle of the network, at half the photo's size as the shipped network has it.
const NODE: &str = "stage1_encoder.0";

struct Outcome {
    image: RgbImage,
    shape: Vec<usize>,
    tensor: Vec<f32>,
    err: String,
}

impl Outcome {
    fn operators(&self) -> u32 {
        let (_, rest) = self.err.split_once("operators=").unwrap();
        rest.split_whitespace().next().unwrap().parse().unwrap()
    }
}

fn restore(options: &[&str]) -> Outcome {
    let room = Room::new();
    room.put("noisy.png", &png(sample("noisy.png", WIDTH, HEIGHT)));
    let dump = format!("{NODE}=d.safetensors");
    let args = ["restore", "noisy.png", "-o", "out.png", "-vv", "--dump", &dump];
    let run = room.run(&[&args, options].concat()).succeeds();
    assert_eq!(run.out, "");
    let names: Vec<_> =
        room.contents().into_keys().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["d.safetensors", "noisy.png", "out.png"], "something was left in the directory");
    let bytes = std::fs::read(room.path("d.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.names(), [NODE]);
    let view = file.tensor(NODE).unwrap();
    let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
    let image = room.image("out.png").into_rgb8();
    Outcome { image, shape: view.shape().to_vec(), tensor: values.collect(), err: run.err }
}

/// The result without further options.
fn default() -> &'static Outcome {
    static OUTCOME: OnceLock<Outcome> = OnceLock::new();
    OUTCOME.get_or_init(|| restore(&[]))
}

fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let squares = a.as_raw().iter().zip(b.as_raw()).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
    10.0 * (255.0 * 255.0 * a.as_raw().len() as f64 / squares.sum::<f64>()).log10()
}

fn largest_difference(a: &RgbImage, b: &RgbImage) -> u8 {
    a.as_raw().iter().zip(b.as_raw()).map(|(&a, &b)| a.abs_diff(b)).max().unwrap()
}

fn relative(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().chain(b).all(|v| v.is_finite()));
    let norm =
        |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| a - b)) / norm(&mut b.iter().copied())
}

#[test]
fn noise_goes() {
    let [noisy, clean] = ["noisy.png", "clean.png"].map(|name| sample(name, WIDTH, HEIGHT).into_rgb8());
    let (before, after) = (psnr(&noisy, &clean), psnr(&default().image, &clean));
    assert!(after - before >= 5.0, "{before:.2} dB became {after:.2} dB");
}

#[test]
fn an_earlier_stage_takes_less() {
    let (one, two, three) = (restore(&["--stage", "1"]), restore(&["--stage", "2"]), default());
    assert!(one.operators() < two.operators() && two.operators() < three.operators());
    let images = [&one.image, &two.image, &three.image];
    assert!(images[0] != images[1] && images[1] != images[2] && images[0] != images[2]);
    let noisy = sample("noisy.png", WIDTH, HEIGHT).into_rgb8();
    assert!(images.iter().all(|image| **image != noisy));
    assert_eq!(one.tensor, three.tensor);
}

#[test]
fn half_precision_is_close() {
    let half = restore(&["--precision", "f16"]);
    let apart = largest_difference(&half.image, &default().image);
    assert!(apart <= 3, "{apart} of 255");
    let error = relative(&half.tensor, &default().tensor);
    assert!(error > 0.0 && error < 5e-3, "{error}");
}

#[test]
fn without_passes_the_result_is_the_same() {
    let plain = restore(&["--no-passes"]);
    assert!(plain.operators() > default().operators());
    assert!(largest_difference(&plain.image, &default().image) <= 1);
    // 112 x 72 pixels are padded to 112 x 80.
    for outcome in [&plain, default()] {
        assert_eq!(outcome.shape, [1, 16, 40, 56]);
    }
    let error = relative(&plain.tensor, &default().tensor);
    assert!(error < 1e-5, "{error}");
}

/// The embedded network was trained on crops of 192 pixels, so that windows cover this photo unless they are told to be
/// smaller.
#[test]
fn the_local_mode_is_for_photos_larger_than_its_windows() {
    let local = restore(&["--mode", "local"]);
    assert!(local.image == default().image && local.tensor == default().tensor);
    let small = restore(&["--mode", "local", "--train-size", "16"]);
    let apart = relative(&small.tensor, &default().tensor);
    assert!(apart > 1e-3, "{apart}");
    let plain = restore(&["--mode", "local", "--train-size", "16", "--no-passes"]);
    assert!(largest_difference(&plain.image, &small.image) <= 1);
    let error = relative(&plain.tensor, &small.tensor);
    assert!(error < 1e-5, "{error}");
}

#[test]
fn messages_are_lines_on_standard_error() {
    let err = &default().err;
    for words in [" INFO ", "DEBUG ", "parameters=894315", "adapter name=", "noisy.png -> out.png\n"] {
        assert!(err.contains(words), "{words}: {err}");
    }
    assert!(!err.contains("error"), "{err}");
    // Neither a progress bar nor colours where nobody looks.
    assert!(err.chars().all(|c| c == '\n' || !c.is_control()), "{err:?}");
}

/// Name and backend of the first adapter that `mprnet devices` lists.
fn first_adapter() -> (String, String) {
    let list = Run::of(mprnet().arg("devices")).succeeds().out;
    let name = list.lines().next().unwrap().strip_prefix("0: ").unwrap().to_owned();
    let (_, rest) = list.split_once("   backend ").unwrap();
    (name, rest.split(',').next().unwrap().to_owned())
}

#[test]
fn the_environment_chooses_an_adapter() {
    let (name, backend) = first_adapter();
    let room = Room::with_photo();
    let mut command = room.command(["restore", "-v", "photo.png", "-o", "out.png"]);
    let run = Run::of(command.env("WGPU_ADAPTER_NAME", name.to_uppercase()).env("WGPU_BACKEND", &backend))
        .succeeds();
    let words = [format!("adapter name=\"{name}\""), format!("backend={backend}")];
    assert!(words.iter().all(|words| run.err.contains(words)), "{words:?}: {}", run.err);
}

#[test]
fn an_option_overrides_the_environment() {
    let (name, _) = first_adapter();
    let room = Room::with_photo();
    let mut command = room.command(["restore", "-v", "photo.png", "-o", "out.png", "--device", "0"]);
    let run = Run::of(command.env("WGPU_ADAPTER_NAME", "Voodoo 2")).succeeds();
    assert!(run.err.contains(&format!("adapter name=\"{name}\"")), "{}", run.err);
}

#[test]
fn tiles_are_asked_for_by_name() {
    let room = Room::with_photo();
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    let args = ["restore", "--model", "tiny", "photo.png", "-o", "out.png", "--overwrite"];
    let of = |more: &[&str]| room.run(&[&args[..], more].concat());
    of(&[]).succeeds();
    let whole = room.image("out.png");
    // The photo has 24 columns and 17 rows.
    of(&["--mode", "tiled", "--tile", "24"]).succeeds();
    assert!(room.image("out.png") == whole);
    of(&["--mode", "tiled", "-t", "16", "--overlap", "4"]).succeeds();
    assert!(room.image("out.png") != whole);
    of(&["-t", "16"]).fails_at_once(2, &["--mode tiled"]);
    of(&["--mode", "tiled", "-t", "16", "--overlap", "16"]).fails_at_once(2, &["overlap by 16"]);
    of(&["--mode", "tiled", "--dump", "stage1=stage1.safetensors"]).fails_at_once(2, &["--dump"]);
}
