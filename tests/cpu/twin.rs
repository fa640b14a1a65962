//! The CPU executor against PyTorch's golden tensors, so that it can vouch for the shaders.

use mprnet::graph::{cpu, passes};
use mprnet::model::{self, ImageFormat, ModelConfig, NetworkOptions, Stage, Weights};

use crate::common::{Golden, assert_close, assert_tensor, golden_path, relative_l2};

/// The golden tensors were computed in f32: their own rounding, 3.6e-7 on the residual of `tiny`, is most of
/// what is measured here.
const BOUND: f64 = 2e-6;

fn check(weights: &Weights, golden: &str, optimized: bool) {
    let golden = Golden::read(golden);
    let (height, width) = golden.sides("input");
    let options =
        NetworkOptions { height, width, format: ImageFormat::Planar, stage: Stage::Three, keep: vec![] };
    let mut graph = model::build(weights, &options).unwrap();
    for name in ["stage1", "stage2"] {
        let tensor = graph.find(name).unwrap();
        graph.output(tensor);
    }
    if optimized {
        graph = passes::optimize(graph).unwrap();
    }
    let input = golden.values("input");
    let values = cpu::run(&graph, &[input.iter().map(|&v| f64::from(v)).collect()]).unwrap();
    let mut compared = 0;
    for name in golden.names().filter(|&n| n != "input") {
        let Some(id) = graph.find(name) else {
            assert!(optimized, "{name} is not computed");
            continue;
        };
        let actual: Vec<f32> = values[&id].data.iter().map(|&v| v as f32).collect();
        assert_tensor(name, graph.desc(id).role, &actual, golden.values(name), input, BOUND);
        compared += 1;
    }
    assert!(compared >= 3, "only {compared} tensors compared");
}

fn check_file(weights: &str, golden: &str) {
    let weights = Weights::read(&golden_path(weights)).unwrap();
    check(&weights, golden, false);
    check(&weights, golden, true);
}

#[test]
fn tiny_equals_pytorch() {
    check_file("tiny.safetensors", "tiny_32x48.safetensors");
}

#[test]
fn biases_and_own_slopes_equal_pytorch() {
    check_file("tiny_bias_slopes.safetensors", "tiny_bias_slopes_24x40.safetensors");
}

#[test]
fn pixel_shuffle_2_equals_pytorch() {
    check_file("tiny_shuffle2.safetensors", "tiny_shuffle2_48x80.safetensors");
}

#[test]
fn pixel_shuffle_4_equals_pytorch() {
    check_file("tiny_shuffle4.safetensors", "tiny_shuffle4_64x96.safetensors");
}

#[test]
fn derain_with_seeded_weights_equals_pytorch() {
    let weights = Weights::seeded(ModelConfig::DERAIN, 2);
    assert_eq!(weights.parameter_count(), 3_637_249);
    check(&weights, "sample_derain_64x64.safetensors", true);
}

#[test]
fn seeded_weights_equal_numpy() {
    let golden = Golden::read("seeded.safetensors");
    let weights = Weights::seeded(ModelConfig::DERAIN, 2);
    let keys: Vec<&str> = golden.names().filter(|n| n.ends_with(".weight")).collect();
    assert!(keys.len() >= 6);
    for key in keys {
        let expected = golden.values(key);
        assert_eq!(&weights.get(key).unwrap().data[..expected.len()], expected, "{key}");
    }
}

#[test]
fn the_comparison_sees_what_differs() {
    let values = [1.0, -2.0, 3.0, 4.0];
    assert_eq!(relative_l2(&values, &values), 0.0);
    assert!((relative_l2(&[1.0, -2.0, 3.0, 4.001], &values) - 1.83e-4).abs() < 1e-6);
    assert!(relative_l2(&[4.0, -2.0, 3.0, 1.0], &values) > 0.5);
    assert_eq!(relative_l2(&values[..3], &values), f64::INFINITY);
    assert_eq!(relative_l2(&[1.0, f32::NAN, 3.0, 4.0], &values), f64::INFINITY);
    assert!(
        std::panic::catch_unwind(|| assert_close("seen to fail", &[1.0, 1.001], &[1.0, 1.0], 1e-6)).is_err()
    );
}
