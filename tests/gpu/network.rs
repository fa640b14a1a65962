//! Whole networks on the adapter against PyTorch's golden tensors.

use mprnet::graph::{Graph, Role, passes};
use mprnet::model::{self, ImageFormat, ModelConfig, NetworkOptions, Stage, Weights};
use mprnet::plan::Precision;
use mprnet::{ExecutorOptions, Values};

use crate::common::{Golden, assert_close, golden_path, relative_l2};
use crate::{execute, planar};

/// Errors of every layer add up: about 250 operators of 1e-7 to 1e-6 each.
const F32: f64 = 1e-5;
/// As f32, with every tensor and weight rounded to 11 bits.
const F16: f64 = 1e-2;

fn network(weights: &Weights, (height, width): (u32, u32), format: ImageFormat) -> Graph {
    let options = NetworkOptions { height, width, format, stage: Stage::Three, keep: vec![] };
    model::build(weights, &options).unwrap()
}

/// Every named feature that the graph computes, or its residual for stage images, within the bounds.
fn check(weights: &Weights, golden: &Golden, optimized: bool, precision: Precision) {
    let mut graph = network(weights, golden.sides("input"), ImageFormat::Planar);
    if optimized {
        // The stage images are wanted; every other feature may be fused away, and is compared where it is not.
        for name in ["stage1", "stage2"] {
            let tensor = graph.find(name).unwrap();
            graph.output(tensor);
        }
        graph = passes::optimize(graph).unwrap();
    }
    let names: Vec<&str> = golden.names().filter(|&n| n != "input" && graph.find(n).is_some()).collect();
    assert!(names.len() >= if optimized { 3 } else { golden.names().count() - 1 }, "only {names:?} are computed");
    for name in &names {
        let tensor = graph.find(name).unwrap();
        graph.output(tensor);
    }
    let input = golden.values("input");
    let options = ExecutorOptions { precision, ..ExecutorOptions::default() };
    let outputs = execute(&graph, &[Values::Planar(input.to_vec())], &options);
    let bound = if precision == Precision::F32 { F32 } else { F16 };
    for name in names {
        let id = graph.find(name).unwrap();
        let at = graph.outputs().iter().position(|&t| t == id).unwrap();
        let (mut actual, mut expected) = (planar(&outputs[at]).to_vec(), golden.values(name).to_vec());
        if graph.desc(id).role == Role::Image && actual.len() == input.len() {
            actual.iter_mut().zip(input).for_each(|(v, i)| *v -= i);
            expected.iter_mut().zip(input).for_each(|(v, i)| *v -= i);
        }
        println!("{name}: {:.2e}", relative_l2(&actual, &expected));
        assert_close(&format!("{name}, passes {optimized}, {precision:?}"), &actual, &expected, bound);
    }
}

fn check_file(weights: &str, golden: &str) {
    let weights = Weights::read(&golden_path(weights)).unwrap();
    let golden = Golden::read(golden);
    for precision in [Precision::F32, Precision::F16] {
        for optimized in [false, true] {
            check(&weights, &golden, optimized, precision);
        }
    }
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
fn pixel_shuffle_equals_pytorch() {
    check_file("tiny_shuffle2.safetensors", "tiny_shuffle2_48x80.safetensors");
    check_file("tiny_shuffle4.safetensors", "tiny_shuffle4_64x96.safetensors");
}

#[test]
fn derain_with_seeded_weights_equals_pytorch() {
    let weights = Weights::seeded(ModelConfig::DERAIN, 2);
    let golden = Golden::read("derain_64x96.safetensors");
    check(&weights, &golden, false, Precision::F32);
    check(&weights, &golden, true, Precision::F32);
    check(&weights, &golden, true, Precision::F16);
}
