//! Whole networks on the adapter against PyTorch's golden tensors.

use std::path::Path;

use mprnet::conformance::{GoldenNetwork, check_network, network_bound};
use mprnet::gpu::{Device, DeviceOptions};
use mprnet::graph::{Graph, passes};
use mprnet::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};
use mprnet::plan::Precision;
use mprnet::{Executor, ExecutorOptions, Values, WeightStore};

use crate::common::{Random, assert_close, golden_path, residual};
use crate::tensors::Golden;
use crate::{device, execute, planar};

pub fn network(weights: &Weights, (height, width): (u32, u32), format: ImageFormat) -> Graph {
    network_by(Mode::Global, weights, (height, width), format)
}

pub fn network_by(mode: Mode, weights: &Weights, (height, width): (u32, u32), format: ImageFormat) -> Graph {
    let options = NetworkOptions { height, width, format, stage: Stage::Three, mode, keep: vec![] };
    model::build(weights, &options).unwrap()
}

/// Every tensor of the networks of `golden/`, in f32 and f16, fused and operator by operator: against the twin, and
/// those that PyTorch's modules give against PyTorch's. Nothing may be left out.
#[test]
fn golden_networks_equal_the_twin_and_pytorch() {
    for network in GoldenNetwork::read_all(&golden_path("")).unwrap() {
        let named = network.names().filter(|&name| name != "input").count();
        for check in check_network(device(), &network) {
            let what = format!("{}, {}, fused {}", check.network, check.precision, check.fused);
            let worst = check.worst().map(|t| (&t.name, t.twin));
            println!("{what}: {:?}, worst {worst:?}", check.outcome);
            assert!(check.is_right(), "{what}: {:?}, worst {worst:?}", check.outcome);
            let compared = check.tensors.iter().filter(|t| t.pytorch.is_some()).count();
            assert!(compared > if check.fused { 0 } else { named / 2 }, "{what}: {compared} of {named}");
        }
    }
}

#[test]
fn a_wrong_kernel_is_found() {
    let tiny = &GoldenNetwork::embedded().unwrap()[0];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let right = std::fs::read_to_string(root.join("shaders/gate.wgsl")).unwrap();
    let changed = |from: &str, to: &str| {
        assert_eq!(right.matches(from).count(), 1, "the shader has changed");
        let device = Device::new(&DeviceOptions::default()).unwrap();
        device.with_shader("gate", right.replace(from, to))
    };
    // Off by a ten-thousandth; and not computed everywhere.
    for (from, to) in
        [("narrow_out(gated +", "narrow_out(1.0001 * gated +"), ("i < count;", "i < count - 1;")]
    {
        let checks = check_network(&changed(from, to), tiny);
        let f32 = checks.iter().filter(|check| check.precision == "f32");
        assert!(f32.clone().count() == 2 && f32.clone().all(|check| !check.is_right()), "{to} is right");
    }
}

/// Outputs of the default format: 8-bit words in and out.
fn words_of(golden: &[f32]) -> Vec<u32> {
    let byte = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round_ties_even() as u32;
    let pixels = golden.len() / 3;
    let word = |i: usize| (0..3).fold(255 << 24, |word, c| word | byte(golden[c * pixels + i]) << (8 * c));
    (0..pixels).map(word).collect()
}

#[test]
fn eight_bit_results_equal_pytorch() {
    let weights = Weights::seeded(ModelConfig::DERAIN, 2);
    let golden = Golden::read("sample_derain_64x64.safetensors");
    // The input is a crop of an 8-bit photo, so nothing is lost by taking it as words.
    let input = words_of(golden.values("input"));
    let graph = passes::optimize(network(&weights, golden.sides("input"), ImageFormat::Words)).unwrap();
    let outputs = execute(&graph, &[Values::Words(input)], &ExecutorOptions::default());
    let Values::Words(actual) = &outputs[0] else { panic!("words are expected") };
    let expected = words_of(golden.values("stage3"));
    let bytes = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let (actual, expected) = (bytes(actual), bytes(&expected));
    let differing = actual.iter().zip(&expected).filter(|(a, e)| a != e).count();
    println!("8 bits: {differing} of {} values differ", actual.len() / 4 * 3);
    assert!(actual.iter().zip(&expected).all(|(a, e)| a.abs_diff(*e) <= 1), "a value differs by more than 1");
    assert!(differing * 1000 <= actual.len() / 4 * 3, "{differing} of {} values differ", actual.len());
}

#[test]
fn earlier_stages_equal_pytorch() {
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    let golden = Golden::read("tiny_shuffle2_48x80.safetensors");
    let (height, width) = golden.sides("input");
    let input = golden.values("input");
    for (stage, name) in [(Stage::One, "stage1"), (Stage::Two, "stage2"), (Stage::Three, "stage3")] {
        let options = NetworkOptions {
            height,
            width,
            format: ImageFormat::Planar,
            stage,
            mode: Mode::Global,
            keep: vec![],
        };
        let graph = passes::optimize(model::build(&weights, &options).unwrap()).unwrap();
        let outputs = execute(&graph, &[Values::Planar(input.to_vec())], &ExecutorOptions::default());
        let (actual, expected) = (residual(planar(&outputs[0]), input), residual(golden.values(name), input));
        assert_close(name, &actual, &expected, network_bound(Precision::F32));
    }
}

/// Every way of cutting the work gives the same bytes: row windows by small bindings, tensors in several buffers,
/// and any number of submissions.
#[test]
fn however_cut_the_bytes_are_the_same() {
    let tiny = Weights::read(&golden_path("tiny.safetensors")).unwrap();
    // Halves and quarters of 120 rows and 88 columns are no multiples of the cell, so patches end in partial cells.
    let mut graph = network(&tiny, (120, 88), ImageFormat::Planar);
    for name in ["sam12.0", "stage1", "stage2_encoder.2", "stage3_orsnet.orb2"] {
        let tensor = graph.find(name).unwrap();
        graph.mark_output(tensor);
    }
    let fused = passes::optimize(graph.clone()).unwrap();
    // Windows of up to 24 rows are read at once, and what comes before them in a run of means: of a tall photo.
    let local = network_by(Mode::Local { train_size: Some(16) }, &tiny, (344, 48), ImageFormat::Planar);
    let local_fused = passes::optimize(local.clone()).unwrap();
    // The widest tensors take 0.7 MB in f32, in the local mode 0.79 MB, and half of that in f16.
    let (limits, local_limits) = ([300_000, 100_000], [760_000, 400_000]);
    // Operators that passes replace are cut in every way at once alone.
    for (precision, graph, [buffer, binding], first) in [
        (Precision::F32, &graph, limits, 4),
        (Precision::F32, &fused, limits, 0),
        (Precision::F16, &fused, limits, 0),
        (Precision::F32, &local, local_limits, 4),
        (Precision::F32, &local_fused, local_limits, 0),
        (Precision::F16, &local_fused, local_limits, 0),
    ] {
        let image = graph.desc(graph.inputs()[0]);
        let input = [Values::Planar(Random::new(7).values(image.elements() as usize))];
        let whole = ExecutorOptions { precision, slice: Some(u64::MAX), ..ExecutorOptions::default() };
        let expected = execute(graph, &input, &whole);
        let made = |options: &ExecutorOptions| {
            Executor::new(device(), &WeightStore::default(), graph.clone(), options).unwrap()
        };
        let dispatches = made(&whole).dispatch_count();
        let stored = |bytes: u64| Some(if precision == Precision::F32 { bytes } else { bytes / 2 });
        let (buffer_limit, binding_limit) = (stored(buffer), stored(binding));
        let cuts = [
            (ExecutorOptions { slice: None, ..whole.clone() }, false),
            (ExecutorOptions { slice: Some(1), ..whole.clone() }, true),
            (ExecutorOptions { binding_limit, ..whole.clone() }, true),
            (ExecutorOptions { buffer_limit, ..whole.clone() }, true),
            (ExecutorOptions { buffer_limit, binding_limit, slice: Some(1), ..whole.clone() }, true),
        ];
        for (cut, more) in &cuts[first..] {
            let mut executor = made(cut);
            assert!(!more || executor.dispatch_count() > dispatches, "{cut:?} cuts nothing");
            executor.poison(device());
            let actual = executor.run(device(), &input, &mut |_| ()).unwrap();
            assert!(actual == expected, "{cut:?} differs");
        }
    }
}

/// The local mode where every window covers its patch, and where none does.
#[test]
fn windows_that_cover_patches_are_the_global_mode() {
    let tiny = Weights::read(&golden_path("tiny.safetensors")).unwrap();
    let input = [Values::Planar(Random::new(9).values(3 * 48 * 64))];
    let result = |mode| {
        let graph = network_by(mode, &tiny, (48, 64), ImageFormat::Planar);
        execute(&passes::optimize(graph).unwrap(), &input, &ExecutorOptions::default())
    };
    let global = result(Mode::Global);
    for train_size in [48, 256, 1 << 20] {
        assert!(result(Mode::Local { train_size: Some(train_size) }) == global, "{train_size}");
    }
    assert!(result(Mode::Local { train_size: Some(40) }) != global);
}

#[test]
fn runs_repeat_to_the_bit() {
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    let golden = Golden::read("tiny_shuffle2_48x80.safetensors");
    let graph = passes::optimize(network(&weights, golden.sides("input"), ImageFormat::Planar)).unwrap();
    let input = [Values::Planar(golden.values("input").to_vec())];
    let options = ExecutorOptions::default();
    let mut executor = Executor::new(device(), &WeightStore::default(), graph, &options).unwrap();
    let runs: Vec<Vec<Values>> =
        (0..3).map(|_| executor.run(device(), &input, &mut |_| ()).unwrap()).collect();
    assert!(runs[0] == runs[1] && runs[1] == runs[2]);
}
