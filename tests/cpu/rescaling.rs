//! Moves of powers of two change no result by a bit, on random graphs and whole networks.

use mprnet::graph::{Graph, Groups, TensorId, passes, rescale};
use mprnet::model::{self, FeaturePeaks, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};
use proptest::prelude::*;

use crate::common::Random;
use crate::passes::{TINY, grown, outputs, steps};

/// Largest exponent that is tried: with it on either side weights of order one stay far within f32.
const LARGEST: u32 = 12;

fn features(graph: &Graph) -> impl Iterator<Item = TensorId> {
    graph.nodes().iter().flat_map(|node| &node.outputs).copied()
}

/// Another exponent for every group that may have one. Gives how many tensors have been moved.
fn check(graph: &Graph, seed: u64) -> usize {
    let mut random = Random::new(seed);
    let mut any = || random.below(2 * LARGEST + 1) as i32 - LARGEST as i32;
    let measured: Vec<(TensorId, i32)> = features(graph).map(|t| (t, any())).collect();
    let groups = Groups::of(graph);
    let exponents = groups.exponents(graph, &measured);
    let mut moved = graph.clone();
    rescale(&mut moved, &exponents);
    for (id, (actual, expected)) in graph.outputs().iter().zip(outputs(&moved).iter().zip(outputs(graph))) {
        let scale = f64::from(exponents[id.0]).exp2() as f32;
        let same = actual.iter().zip(&expected).all(|(a, e)| a.to_bits() == (e * scale).to_bits());
        assert!(same, "{} times 2^{}", graph.tensor(*id).name, exponents[id.0]);
    }
    exponents.iter().filter(|&&e| e != 0).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs_compute_the_same(seed: u64, steps in steps()) {
        let graph = grown(seed, &steps);
        check(&graph, seed);
        check(&passes::optimize(graph).unwrap(), seed);
    }
}

fn network(config: ModelConfig, keep: &[&str]) -> Graph {
    network_by(Mode::Global, config, keep)
}

fn network_by(mode: Mode, config: ModelConfig, keep: &[&str]) -> Graph {
    let keep = keep.iter().map(|&name| name.to_owned()).collect();
    let (height, width) = (16 * config.shuffle, 24 * config.shuffle);
    let options =
        NetworkOptions { height, width, format: ImageFormat::Planar, stage: Stage::Three, mode, keep };
    model::build(&Weights::seeded(config, 3), &options).unwrap()
}

#[test]
fn networks_compute_the_same() {
    for shuffle in [1, 2] {
        let config = ModelConfig { shuffle, ..TINY };
        for keep in [&[][..], &["stage1", "sam12", "stage1_encoder.1", "stage2", "concat23"]] {
            let graph = network(config, keep);
            assert!(check(&graph, 5) > 200);
            assert!(check(&passes::optimize(graph).unwrap(), 6) > 150);
            let graph = network_by(Mode::Local { train_size: Some(8 * shuffle) }, config, keep);
            assert!(check(&graph, 5) > 200);
            assert!(check(&passes::optimize(graph).unwrap(), 6) > 150);
        }
    }
}

/// Of each block the features between its convolutions, and trunks: one for each level of stages 1 and 2, one for
/// each of the two shallow features that are concatenated, and stage 3.
#[test]
fn what_moves_alone() {
    let graph = passes::optimize(network(TINY, &[])).unwrap();
    let groups = Groups::of(&graph);
    let movable = features(&graph).filter(|&t| groups.movable(t));
    let mut firsts: Vec<TensorId> = movable.map(|t| groups.first(&graph, t)).collect();
    firsts.sort_unstable();
    firsts.dedup();
    let names = firsts.iter().map(|&t| graph.tensor(t).name.as_str());
    let (hidden, trunks): (Vec<&str>, Vec<&str>) = names.partition(|name| name.ends_with(".body.1"));
    assert_eq!(hidden.len(), 3 + 2 * (6 + 6 + 2) + 3 * 2);
    let expected = [
        "shallow_feat1.0",
        "stage1_encoder.down12.down.1",
        "stage1_encoder.down23.down.1",
        "shallow_feat2.0",
        "concat12",
        "stage2_encoder.down12.down.1",
        "stage2_encoder.down23.down.1",
        "shallow_feat3.0",
        "concat23",
    ];
    assert_eq!(trunks, expected);
}

/// In the local mode nothing that a sigmoid reads moves, in any form of the graph.
#[test]
fn maps_do_not_move() {
    let graph = network_by(Mode::Local { train_size: Some(8) }, TINY, &[]);
    for graph in [passes::optimize(graph.clone()).unwrap(), graph] {
        let groups = Groups::of(&graph);
        let maps: Vec<TensorId> =
            features(&graph).filter(|&t| graph.tensor(t).name.ends_with(".CA.conv_du.2")).collect();
        assert_eq!(maps.len(), 3 + 2 * (6 + 8) + 2 * 3);
        assert!(maps.iter().all(|&map| !groups.movable(map)));
    }
}

/// Where groups are one in a graph without passes, the larger peak decides; what was not measured follows what it is
/// computed from.
#[test]
fn peaks_of_one_graph_fit_another() {
    let defined = network(TINY, &[]);
    let exponent = |exponents: &[i32], name: &str| exponents[defined.find(name).unwrap().0];
    for (shallow1, shallow2) in [(1e6, 1e9), (1e9, 1e6)] {
        let mut peaks = FeaturePeaks::default();
        let up = "stage1_encoder.down12.down.1";
        for (name, peak) in
            [("shallow_feat1.0", shallow1), ("shallow_feat2.0", shallow2), (up, 1e-3), ("none", 1.0)]
        {
            peaks.note(name, peak);
        }
        let mut moved = defined.clone();
        let exponents = peaks.fit(&mut moved);
        // Both are in one concatenation. 2^29 < 1e9 < 2^30, 2^-10 < 1e-3.
        for name in ["shallow_feat1.0", "shallow_feat2", "sam12", "concat12.concat"] {
            assert_eq!(exponent(&exponents, name), -27, "{name}");
        }
        assert_eq!(exponent(&exponents, up), 12);
        assert_eq!(exponent(&exponents, "stage1_encoder.encoder_level2.0.body.0"), 12);
        assert_eq!(exponent(&exponents, "sam12.conv3"), 0);
    }
}
