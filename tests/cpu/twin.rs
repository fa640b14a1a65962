//! The CPU executor against PyTorch's golden tensors, so that it can vouch for the shaders.

use mprnet::checkpoint::Checkpoint;
use mprnet::conformance::GoldenNetwork;
use mprnet::graph::{Role, cpu, passes};
use mprnet::model::{self, ImageFormat, ModelConfig, NetworkOptions, Stage, Weights};

use crate::common::{assert_close, golden_path, relative_l2, residual};

/// The golden tensors were computed in f32: their own rounding, 3.6e-7 on the residual of `tiny`, is most of
/// what is measured here.
const BOUND: f64 = 2e-6;

fn check(network: &GoldenNetwork, optimized: bool) {
    let [height, width] = network.size();
    let options = NetworkOptions {
        height,
        width,
        format: ImageFormat::Planar,
        stage: Stage::Three,
        mode: network.mode,
        keep: vec![],
    };
    let mut graph = model::build(&network.weights, &options).unwrap();
    for name in ["stage1", "stage2"] {
        let tensor = graph.find(name).unwrap();
        graph.mark_output(tensor);
    }
    if optimized {
        graph = passes::optimize(graph).unwrap();
    }
    let input = network.values("input").unwrap();
    let values = cpu::run(&graph, &[input.iter().map(|&v| f64::from(v)).collect()]).unwrap();
    let mut compared = 0;
    for name in network.names().filter(|&n| n != "input") {
        let Some(id) = graph.find(name) else {
            assert!(optimized, "{name} is not computed");
            continue;
        };
        let actual: Vec<f32> = values[&id].data.iter().map(|&v| v as f32).collect();
        let expected = network.values(name).unwrap();
        // Of a stage's image what it adds to the photo: errors show there that vanish beside the photo.
        if graph.desc(id).role == Role::Image && actual.len() == input.len() {
            assert_close(name, &residual(&actual, input), &residual(expected, input), BOUND);
        } else {
            assert_close(name, &actual, expected, BOUND);
        }
        compared += 1;
    }
    assert!(compared >= 3, "only {compared} tensors compared");
}

/// Large networks fused alone: the twin takes seconds for each.
#[test]
fn golden_networks_equal_pytorch() {
    for network in GoldenNetwork::read_all(&golden_path("")).unwrap() {
        println!("{}", network.name);
        check(&network, true);
        if network.weights.parameter_count() < 1_000_000 {
            check(&network, false);
        }
    }
}

#[test]
fn the_published_deraining_network_has_all_its_parameters() {
    assert_eq!(Weights::seeded(ModelConfig::DERAIN, 2).parameter_count(), 3_637_249);
}

#[test]
fn seeded_weights_equal_numpy() {
    let golden = Checkpoint::open(&golden_path("seeded.safetensors")).unwrap();
    let weights = Weights::seeded(ModelConfig::DERAIN, 2);
    let mut compared = 0;
    for param in weights.params() {
        if let Ok(expected) = golden.values(&param.name) {
            assert_eq!(&param.data[..expected.len()], &*expected, "{}", param.name);
            compared += 1;
        }
    }
    assert!(compared >= 6, "only {compared} keys compared");
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
