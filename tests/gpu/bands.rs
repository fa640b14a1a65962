//! Photos in bands of rows, under a memory budget: the same bytes as all at once.

use mprnet::graph::{Graph, Role, passes};
use mprnet::kernels::{Choices, Target, Variant};
use mprnet::model::{ImageFormat, Mode, Weights};
use mprnet::plan::{Layout, Precision};
use mprnet::{Error, Executor, ExecutorOptions, Values, WeightStore};

use crate::common::{Random, golden_path};
use crate::network::network_by;
use crate::{device, execute};

/// Runs a graph within shares, in hundredths, of what the whole photo takes; all of them have to suffice.
fn check(name: &str, graph: &Graph, input: &[Values], options: &ExecutorOptions, shares: &[u64]) {
    let expected = execute(graph, input, options);
    let store = WeightStore::default();
    let whole = Executor::new(device(), &store, graph.clone(), options).unwrap().memory();
    for &share in shares {
        let budget = (whole.tensors + whole.staging) * share / 100;
        let options = ExecutorOptions { max_memory: Some(budget), ..options.clone() };
        let made = Executor::new(device(), &store, graph.clone(), &options);
        let mut executor = made.unwrap_or_else(|error| panic!("{name} at {share}%: {error:?}"));
        let memory = executor.memory();
        println!("{name} at {share}%: {memory:?} of {budget}, {} dispatches", executor.dispatch_count());
        assert!(executor.bands().is_some_and(|bands| bands > 1), "{name} at {share}%");
        executor.poison(device());
        let actual = executor.run(device(), input, &mut |_| ()).unwrap();
        assert!(actual == expected, "{name} at {share}% differs");
        let one_each = options.buffer_limit.map_or(0, |limit| 3 * limit);
        assert!(memory.staging > one_each, "{name}: one buffer does for what a band moves");
        assert!(executor.memory().device() <= budget, "{name} at {share}%: {memory:?} of {budget}");
    }
}

fn network(weights: &str, size: (u32, u32), mode: Mode, format: ImageFormat) -> Graph {
    network_by(mode, &Weights::read(&golden_path(weights)).unwrap(), size, format)
}

fn floats((height, width): (u32, u32)) -> [Values; 1] {
    [Values::Planar(Random::new(7).values((3 * height * width) as usize))]
}

/// Inner features are among the outputs, and once the input.
#[test]
fn under_a_budget_the_bytes_are_the_same() {
    // Halves, quarters and all that is smaller end in partial cells.
    let size = (168, 56);
    let mut graph = network("tiny.safetensors", size, Mode::Global, ImageFormat::Planar);
    for name in ["sam12.0", "stage1", "stage2_encoder.2", "stage3_orsnet.orb2"] {
        let tensor = graph.find(name).unwrap();
        graph.mark_output(tensor);
    }
    let mut fused = passes::optimize(graph.clone()).unwrap();
    fused.mark_output(fused.inputs()[0]);
    // Buffers that hold the rows of one tensor each, but not all that a band moves.
    let narrow = Some(210_000);
    for (precision, graph, what, shares, buffer_limit) in [
        (Precision::F32, &graph, "unfused", &[40][..], None),
        (Precision::F32, &fused, "f32", &[90, 30], None),
        (Precision::F32, &graph, "narrow", &[65], narrow),
        (Precision::F16, &fused, "f16", &[45], None),
    ] {
        let options = ExecutorOptions { precision, buffer_limit, ..ExecutorOptions::default() };
        check(what, graph, &floats(size), &options, shares);
    }
}

#[test]
fn the_local_mode_gives_the_same_bytes_under_a_budget() {
    // Windows of 24 rows slide over a patch of 168: sums are taken in more than one run.
    let (size, mode) = ((168, 40), Mode::Local { train_size: Some(16) });
    let graph = network("tiny.safetensors", size, mode, ImageFormat::Planar);
    let graph = passes::optimize(graph).unwrap();
    check("local", &graph, &floats(size), &ExecutorOptions::default(), &[60]);
}

#[test]
fn every_variant_gives_the_same_bytes_under_a_budget() {
    let size = (136, 40);
    let graph = network("tiny.safetensors", size, Mode::Global, ImageFormat::Planar);
    let graph = passes::optimize(graph).unwrap();
    for &variant in Variant::ALL {
        let options = ExecutorOptions { choices: Choices::Always(variant), ..ExecutorOptions::default() };
        // Another takes the place of one that the device has not.
        if variant.refused(&Target::of(device(), Precision::F32)).is_none() {
            check(variant.name(), &graph, &floats(size), &options, &[60]);
        }
    }
}

/// A strip of the whole photo has more rows than a band needs.
#[test]
fn buffers_that_hold_no_strip_of_the_whole_hold_bands() {
    let size = (168, 56);
    let graph = network("tiny.safetensors", size, Mode::Global, ImageFormat::Planar);
    let graph = passes::optimize(graph).unwrap();
    let (store, input, options) = (WeightStore::default(), floats(size), ExecutorOptions::default());
    let mut whole = Executor::new(device(), &store, graph.clone(), &options).unwrap();
    let produced = graph.nodes().iter().flat_map(|node| &node.outputs).map(|&id| graph.desc(id));
    let rows =
        produced.filter(|desc| desc.role == Role::Feature).map(|desc| Layout::of(&desc, Precision::F32));
    let buffer_limit = Some(40 * rows.map(|layout| layout.row_bytes).max().unwrap());
    let options = ExecutorOptions { buffer_limit, ..options };
    let refused = Executor::new(device(), &store, graph.clone(), &options);
    assert!(matches!(refused, Err(Error::TensorTooLarge { .. })), "{refused:?}");
    let max_memory = Some(whole.memory().device());
    let options = ExecutorOptions { max_memory, ..options };
    let mut bands = Executor::new(device(), &store, graph, &options).unwrap();
    assert!(bands.bands().is_some_and(|bands| bands > 1));
    bands.poison(device());
    let expected = whole.run(device(), &input, &mut |_| ()).unwrap();
    assert!(bands.run(device(), &input, &mut |_| ()).unwrap() == expected);
}

/// Dispatches of single rows are more than the table of uniforms has room for.
#[test]
fn the_smallest_slices_are_as_large_as_the_table_makes_them() {
    let size = (136, 40);
    let graph = network("tiny.safetensors", size, Mode::Global, ImageFormat::Planar);
    let graph = passes::optimize(graph).unwrap();
    let options = ExecutorOptions { slice: Some(0), ..ExecutorOptions::default() };
    check("slices", &graph, &floats(size), &options, &[60]);
}

#[test]
fn unshuffled_photos_of_odd_sizes_give_the_same_bytes_under_a_budget() {
    let (height, width) = (333, 75);
    let graph = network("tiny_shuffle2.safetensors", (height, width), Mode::Global, ImageFormat::Words);
    let mut graph = passes::optimize(graph).unwrap();
    let words = (0..width * height).map(|i| 255 << 24 | i.wrapping_mul(2_654_435_761) >> 8).collect();
    graph.mark_output(graph.inputs()[0]);
    check("shuffle2", &graph, &[Values::Words(words)], &ExecutorOptions::default(), &[50]);
}

/// What one photo leaves in buffers and tables, the next one does not see.
#[test]
fn photo_after_photo_gives_the_same_bytes_under_a_budget() {
    let size = (72, 40);
    let graph = network("tiny.safetensors", size, Mode::Global, ImageFormat::Planar);
    let graph = passes::optimize(graph).unwrap();
    let options = ExecutorOptions::default();
    let mut whole = Executor::new(device(), &WeightStore::default(), graph.clone(), &options).unwrap();
    let max_memory = Some(whole.memory().device() * 60 / 100);
    let options = ExecutorOptions { max_memory, ..options };
    let mut bands = Executor::new(device(), &WeightStore::default(), graph, &options).unwrap();
    assert!(bands.bands().is_some());
    for seed in 0..3 {
        let input = [Values::Planar(Random::new(seed).values((3 * size.0 * size.1) as usize))];
        let expected = whole.run(device(), &input, &mut |_| ()).unwrap();
        assert!(bands.run(device(), &input, &mut |_| ()).unwrap() == expected, "photo {seed}");
    }
}
