//! Photos in bands of rows, under a memory budget: the same bytes as all at once.

use mprnet::graph::{Graph, passes};
use mprnet::kernels::{Choices, Variant};
use mprnet::model::{ImageFormat, Mode, Weights};
use mprnet::plan::Precision;
use mprnet::{Error, Executor, ExecutorOptions, Values, WeightStore};

use crate::common::{Random, golden_path};
use crate::network::{network, network_by};
use crate::{device, execute};

/// Budgets in hundredths of what the whole photo takes.
const SHARES: [u64; 3] = [90, 40, 20];

/// Runs a graph under budgets of some shares of what the whole photo takes, and gives how many of them sufficed.
fn check(name: &str, graph: &Graph, input: &[Values], options: &ExecutorOptions, shares: &[u64]) -> usize {
    let expected = execute(graph, input, options);
    let store = WeightStore::default();
    let whole = Executor::new(device(), &store, graph.clone(), options).unwrap().memory();
    let mut banded = 0;
    for &share in shares {
        let budget = (whole.tensors + whole.staging) * share / 100;
        let options = ExecutorOptions { max_memory: Some(budget), ..options.clone() };
        let mut executor = match Executor::new(device(), &store, graph.clone(), &options) {
            Ok(executor) => executor,
            Err(Error::BudgetTooSmall { least, .. }) => {
                println!("{name}: {least} bytes are more than {budget}");
                continue;
            }
            Err(error) => panic!("{name} at {share}%: {error}"),
        };
        let memory = executor.memory();
        println!("{name} at {share}%: {memory:?} of {budget}, {} dispatches", executor.dispatch_count());
        assert!(memory.tensors + memory.staging <= budget, "{name} at {share}%: {memory:?} of {budget}");
        executor.poison(device());
        for run in 0..2 {
            let actual = executor.run(device(), input, &mut |_| ()).unwrap();
            assert!(actual == expected, "{name} at {share}% differs in run {run}");
        }
        banded += 1;
    }
    banded
}

/// A network with inner features among its outputs, and what goes in.
fn tall(weights: &str, (height, width): (u32, u32), kept: &[&str]) -> (Graph, [Values; 1]) {
    let weights = Weights::read(&golden_path(weights)).unwrap();
    let mut graph = network(&weights, (height, width), ImageFormat::Planar);
    for name in kept {
        let tensor = graph.find(name).unwrap();
        graph.output(tensor);
    }
    (graph, [Values::Planar(Random::new(7).values((3 * height * width) as usize))])
}

const KEPT: [&str; 4] = ["sam12.0", "stage1", "stage2_encoder.2", "stage3_orsnet.orb2"];

#[test]
fn under_a_budget_the_bytes_are_the_same() {
    // Halves and quarters of 344 rows and 88 columns end in partial cells.
    let (graph, input) = tall("tiny.safetensors", (344, 88), &KEPT);
    let fused = passes::optimize(graph.clone()).unwrap();
    for (precision, graph, what) in [
        (Precision::F32, &graph, "unfused"),
        (Precision::F32, &fused, "f32"),
        (Precision::F16, &fused, "f16"),
    ] {
        let options = ExecutorOptions { precision, ..ExecutorOptions::default() };
        assert!(check(what, graph, &input, &options, &SHARES) >= 2);
    }
}

#[test]
fn the_local_mode_gives_the_same_bytes_under_a_budget() {
    let weights = Weights::read(&golden_path("tiny.safetensors")).unwrap();
    // Windows of 48 rows and fewer slide over patches of 160.
    let mode = Mode::Local { train_size: Some(64) };
    let graph = network_by(mode, &weights, (320, 72), ImageFormat::Planar);
    let graph = passes::optimize(graph).unwrap();
    let input = [Values::Planar(Random::new(7).values(3 * 320 * 72))];
    assert!(check("local", &graph, &input, &ExecutorOptions::default(), &[60, 30]) >= 1);
}

#[test]
fn every_variant_gives_the_same_bytes_under_a_budget() {
    let (graph, input) = tall("tiny.safetensors", (200, 72), &[]);
    let graph = passes::optimize(graph).unwrap();
    for &variant in Variant::ALL {
        let choices = Choices::Always(variant);
        let options = ExecutorOptions { choices, ..ExecutorOptions::default() };
        if Executor::new(device(), &WeightStore::default(), graph.clone(), &options).is_ok() {
            check(variant.name(), &graph, &input, &options, &[40]);
        }
    }
}

#[test]
fn unshuffled_photos_of_odd_sizes_give_the_same_bytes_under_a_budget() {
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    let options = mprnet::model::NetworkOptions {
        width: 75,
        height: 333,
        format: ImageFormat::Words,
        stage: mprnet::model::Stage::Three,
        mode: Mode::Global,
        keep: vec![],
    };
    let graph = passes::optimize(mprnet::model::build(&weights, &options).unwrap()).unwrap();
    let words = (0..75 * 333_u32).map(|i| 255 << 24 | i.wrapping_mul(2_654_435_761) >> 8).collect();
    assert!(check("shuffle2", &graph, &[Values::Words(words)], &ExecutorOptions::default(), &SHARES) >= 2);
}
