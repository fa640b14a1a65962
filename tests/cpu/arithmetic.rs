//! Multiply-adds, stage by stage.

use mprnet::graph::{cost, passes};
use mprnet::model::{Arithmetic, ImageFormat, Mode, NetworkOptions, Stage, Task, Weights, build};

use crate::passes::Toy;

fn options(stage: Stage) -> NetworkOptions {
    NetworkOptions {
        width: 256,
        height: 256,
        format: ImageFormat::Words,
        stage,
        mode: Mode::Global,
        keep: vec![],
    }
}

/// G multiply-adds of the convolutions at 256x256.
#[test]
fn published_networks() {
    for (task, expected) in [(Task::Deblur, 759.4), (Task::Denoise, 572.9), (Task::Derain, 141.0)] {
        let weights = Weights::seeded(task.published_config(), 0);
        let mut graph = build(&weights, &options(Stage::Three)).unwrap();
        passes::drop_dead(&mut graph);
        let defined = Arithmetic::of(&graph);
        let giga = defined.total() as f64 * 1e-9;
        assert!((giga - expected).abs() < 0.05, "{task}: {giga}");
        let kinds: Vec<&str> = defined.kinds.keys().copied().collect();
        assert_eq!(kinds, ["conv1x1", "conv3x3"]);
    }
}

/// What is counted by stage, by kind and by operator is the same work, before passes and after.
#[test]
fn stages_and_kinds_add_up() {
    let weights = Weights::embedded(Task::Denoise).unwrap();
    let mut graph = build(&weights, &options(Stage::Three)).unwrap();
    passes::drop_dead(&mut graph);
    let executed = passes::optimize(graph.clone()).unwrap();
    for graph in [&graph, &executed] {
        let counted = Arithmetic::of(graph);
        let all: u64 = graph.nodes().iter().map(|node| cost::multiply_adds(graph, node)).sum();
        assert_eq!((counted.total(), counted.kinds.values().sum::<u64>()), (all, all));
    }
    let (defined, executed) = (Arithmetic::of(&graph), Arithmetic::of(&executed));
    for stage in [1, 2] {
        assert!(executed.stages[stage] < defined.stages[stage], "stage {}", stage + 1);
    }
}

/// A network that ends earlier does the work of its stages and no other.
#[test]
fn stages_are_told_apart() {
    let weights = Weights::embedded(Task::Denoise).unwrap();
    let of = |stage, optimize| {
        let mut graph = build(&weights, &options(stage)).unwrap();
        passes::drop_dead(&mut graph);
        if optimize {
            graph = passes::optimize(graph).unwrap();
        }
        Arithmetic::of(&graph)
    };
    for optimize in [false, true] {
        let whole = of(Stage::Three, optimize).stages;
        let [one, two] = [Stage::One, Stage::Two].map(|stage| of(stage, optimize).stages);
        assert!(whole.iter().all(|&stage| stage > 0), "{whole:?}");
        assert_eq!([one[1], one[2], two[2]], [0, 0, 0]);
        assert_eq!(two[0], whole[0]);
        // Gates of the last module that nobody needs: conv1 and conv3 of the attention module.
        assert!(one[0] < whole[0] && one[0] * 10 > whole[0] * 9, "{one:?} of {whole:?}");
        assert!(two[1] < whole[1] && two[1] * 10 > whole[1] * 9, "{two:?} of {whole:?}");
    }
}

/// As one operator an attention module does what its three convolutions do, of 8 to 8, 8 to 3 and 3 to 8 channels.
#[test]
fn attention_modules_keep_their_arithmetic() {
    let mut toy = Toy::new(8);
    let (x, image) = (toy.input(8), toy.image());
    let (gated, _) = toy.sam(x, image);
    toy.graph.mark_output(gated);
    let fused = passes::optimize(toy.graph.clone()).unwrap();
    assert_eq!(fused.nodes().len(), 1);
    for graph in [&toy.graph, &fused] {
        let all: u64 = graph.nodes().iter().map(|node| cost::multiply_adds(graph, node)).sum();
        assert_eq!(all, 16 * 16 * (8 * 8 + 8 * 3 + 3 * 8));
    }
}
