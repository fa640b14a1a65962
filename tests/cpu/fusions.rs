//! Each pass fires where it should and nowhere else, and what it leaves of the networks is what was meant.

use std::collections::BTreeMap;

use mprnet::Error;
use mprnet::graph::passes;
use mprnet::graph::{BoxMean, Conv, Epilogue, Graph, KernelSize, Node, Op, Patches, Sam, TensorId};
use mprnet::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};

use crate::passes::{TINY, Toy, check};

/// An operator's name with what has been fused into it: several sources, half size, epilogue, second output.
fn label(node: &Node) -> String {
    let mut text = node.op.name().to_owned();
    match node.op {
        Op::Conv(conv) => {
            let residual = usize::from(conv.epilogue == Epilogue::Residual);
            let two = node.inputs.len() - residual == 2;
            let ends = match conv.epilogue {
                Epilogue::None => "",
                Epilogue::Prelu(_) => "+prelu",
                Epilogue::Residual => "+residual",
            };
            let flags = [(two, "(2)"), (conv.halve, "/2"), (true, ends), (conv.pooled, "+pool")];
            flags.iter().filter(|(on, _)| *on).for_each(|(_, flag)| text.push_str(flag));
        }
        Op::Upsample { residual: true } => text.push_str("+residual"),
        Op::Pad { unpack: true, .. } => text.insert_str(0, "unpack+"),
        Op::Crop { pack: true, .. } => text.push_str("+pack"),
        Op::BoxMean(BoxMean { prelu: Some(_), .. }) => text.push_str("+prelu"),
        Op::Sam(sam) if sam.emit_image => text.push_str("+image"),
        _ => {}
    }
    text
}

/// The operators that remain of a graph, in order; and it still computes the same.
#[track_caller]
pub fn expect(remaining: &[&str], build: impl FnOnce(&mut Toy) -> Vec<TensorId>) {
    let mut toy = Toy::new(5);
    for wanted in build(&mut toy) {
        toy.graph.mark_output(wanted);
    }
    check(&toy.graph);
    let optimized = passes::optimize(toy.graph).unwrap();
    assert_eq!(optimized.nodes().iter().map(label).collect::<Vec<_>>(), remaining);
}

/// An operator, then another on its result: `fused` remains where nothing forbids it; both remain where the
/// result between them is wanted, or read twice, or (if `patched`) on another patch grid.
#[track_caller]
fn expect_pair(
    fused: &[&str],
    apart: &[&str],
    patched: bool,
    first: impl Fn(&mut Toy, TensorId, TensorId) -> TensorId,
    second: impl Fn(&mut Toy, TensorId, TensorId) -> TensorId,
) {
    let build = |t: &mut Toy, patches: Patches| {
        let (x, y) = (t.input(8), t.input(8));
        let between = first(t, x, y);
        t.patches = patches;
        [between, second(t, between, y)]
    };
    expect(fused, |t| vec![build(t, Patches::WHOLE)[1]]);
    expect(apart, |t| build(t, Patches::WHOLE).to_vec());
    let twice = [apart, &["pixel_shuffle"]].concat();
    expect(&twice, |t| {
        let [between, last] = build(t, Patches::WHOLE);
        vec![t.op(Op::PixelShuffle { factor: 2 }, &[between]), last]
    });
    expect(if patched { apart } else { fused }, |t| vec![build(t, Patches::QUARTERS)[1]]);
}

#[test]
fn convolution_over_a_concatenation() {
    let concat = |t: &mut Toy, x, y| t.op(Op::Concat, &[x, y]);
    expect_pair(&["conv3x3(2)"], &["concat", "conv3x3"], false, concat, |t, x, _| t.conv3(x, 8));
    expect_pair(&["conv1x1(2)"], &["concat", "conv1x1"], false, concat, |t, x, _| t.conv1(x, 8));
    expect(&["concat", "conv1x1/2"], |t| {
        let (x, y) = (t.input(4), t.input(6));
        let both = concat(t, x, y);
        let down = t.op(Op::Downsample, &[both]);
        vec![t.conv1(down, 8)]
    });
}

#[test]
fn pointwise_before_upsampling() {
    let up = |t: &mut Toy, x, _| t.up(x);
    expect_pair(&["conv1x1", "upsample"], &["upsample", "conv1x1"], true, up, |t, x, _| t.conv1(x, 12));
    expect(&["conv1x1(2)", "upsample"], |t| {
        let (x, y) = (t.input(4), t.input(6));
        let both = t.op(Op::Concat, &[x, y]);
        let up = t.up(both);
        vec![t.conv1(up, 8)]
    });
}

#[test]
fn chains_of_pointwise() {
    let conv = |t: &mut Toy, x, _| t.conv1(x, 8);
    expect_pair(&["conv1x1"], &["conv1x1", "conv1x1"], false, conv, |t, x, _| t.conv1(x, 8));
    let over_concat = |t: &mut Toy, x, y| {
        let both = t.op(Op::Concat, &[x, y]);
        t.conv1(both, 8)
    };
    expect_pair(&["conv1x1(2)"], &["conv1x1", "conv1x1(2)"], false, conv, over_concat);
    // One matrix of 8x8 takes more than two of 2x8.
    expect(&["conv1x1", "conv1x1"], |t| {
        let x = t.input(8);
        let narrow = t.conv1(x, 2);
        vec![t.conv1(narrow, 8)]
    });
}

#[test]
fn sums_of_pointwise() {
    let conv = |t: &mut Toy, x, _| t.conv1(x, 8);
    let sum = |t: &mut Toy, x, y| {
        let other = t.conv1(y, 8);
        t.add(x, other)
    };
    expect_pair(&["conv1x1(2)"], &["conv1x1", "conv1x1+residual"], false, conv, sum);
    // A kernel reads two sources, stored alike.
    expect(&["conv1x1", "conv1x1(2)+residual"], |t| {
        let (x, y) = (t.input(4), t.input(6));
        let both = t.op(Op::Concat, &[x, y]);
        let (a, b) = (t.conv1(both, 8), t.conv1(x, 8));
        vec![t.add(a, b)]
    });
    expect(&["conv1x1", "conv1x1+residual"], |t| {
        let (x, image) = (t.input(4), t.image());
        let (a, b) = (t.conv1(x, 8), t.conv1(image, 8));
        vec![t.add(a, b)]
    });
}

#[test]
fn sums_of_upsampled() {
    let up = |t: &mut Toy, x, _| t.up(x);
    let sum = |t: &mut Toy, x, y| {
        let other = t.up(y);
        t.add(x, other)
    };
    expect_pair(&["add", "upsample"], &["upsample", "upsample+residual"], true, up, sum);
    expect(&["conv1x1(2)", "upsample"], |t| {
        let (x, y) = (t.input(4), t.input(6));
        let (a, b) = (t.up(x), t.up(y));
        let (a, b) = (t.conv1(a, 8), t.conv1(b, 8));
        vec![t.add(a, b)]
    });
}

#[test]
fn supervised_attention() {
    let with = |wanted: Option<usize>| {
        move |t: &mut Toy| {
            let (x, image) = (t.input(8), t.image());
            let (gated, within) = t.sam(x, image);
            [Some(gated), wanted.map(|i| within[i])].into_iter().flatten().collect()
        }
    };
    expect(&["sam"], with(None));
    expect(&["conv1x1", "conv1x1+residual", "conv1x1", "sigmoid_gate"], with(Some(0)));
    expect(&["sam+image"], with(Some(1)));
    expect(&["conv1x1", "conv1x1+residual", "conv1x1", "sigmoid_gate"], with(Some(2)));
    expect(&["sam+image", "conv3x3"], |t| {
        let (x, image) = (t.input(8), t.image());
        let (gated, [_, sum, _]) = t.sam(x, image);
        vec![gated, t.conv3(sum, 8)]
    });
    // An image of features would be stored in f16.
    expect(&["conv1x1", "conv1x1+residual", "conv1x1", "sigmoid_gate"], |t| {
        let (x, image) = (t.input(8), t.input(3));
        vec![t.sam(x, image).0]
    });
}

#[test]
fn downsampling_and_pointwise() {
    let down = |t: &mut Toy, x, _| t.op(Op::Downsample, &[x]);
    expect_pair(&["conv1x1/2"], &["downsample", "conv1x1"], false, down, |t, x, _| t.conv1(x, 12));
}

#[test]
fn epilogues() {
    let conv = |t: &mut Toy, x, _| t.conv3(x, 8);
    expect_pair(&["conv3x3+prelu"], &["conv3x3", "prelu"], true, conv, |t, x, _| t.prelu(x));
    expect_pair(&["conv3x3+residual"], &["conv3x3", "add"], true, conv, Toy::add);
    expect_pair(&["conv3x3+residual"], &["conv3x3", "add"], true, conv, |t, x, y| t.add(y, x));
    let up = |t: &mut Toy, x, _| {
        let low = t.op(Op::Downsample, &[x]);
        t.up(low)
    };
    let (fused, apart) = (["downsample", "upsample+residual"], ["downsample", "upsample", "add"]);
    expect_pair(&fused, &apart, true, up, Toy::add);
    expect_pair(
        &["downsample", "upsample", "prelu"],
        &["downsample", "upsample", "prelu"],
        true,
        up,
        |t, x, _| t.prelu(x),
    );
}

#[test]
fn pooling() {
    let pool = |t: &mut Toy, x, _| t.op(Op::PoolCells, &[x]);
    let conv = |t: &mut Toy, x, _| t.conv3(x, 8);
    // The convolution's result is stored all the same: who else reads it does not matter.
    expect(&["conv3x3+pool"], |t| {
        let x = t.input(8);
        let r = conv(t, x, x);
        vec![r, pool(t, r, r)]
    });
    expect(&["conv3x3", "pool_cells"], |t| {
        let x = t.input(8);
        let r = conv(t, x, x);
        t.patches = Patches::HALVES;
        vec![pool(t, r, r)]
    });
    // The kernel sums what it stores, but no network asks for it after an epilogue or of a 1x1.
    expect(&["conv3x3+prelu", "pool_cells"], |t| {
        let x = t.input(8);
        let r = conv(t, x, x);
        let r = t.prelu(r);
        vec![pool(t, r, r)]
    });
    expect(&["conv1x1", "pool_cells"], |t| {
        let x = t.input(8);
        let r = t.conv1(x, 8);
        vec![pool(t, r, r)]
    });
    expect(&["conv3x3+prelu", "conv3x3+pool", "pool_rows", "attention", "gate"], |t| {
        let x = t.input(8);
        vec![t.cab(x)]
    });
}

/// A kernel reads its sources as one type, one of them if at half size, and an image in f32.
#[test]
fn operators_that_no_kernel_computes_are_refused() {
    let mut t = Toy::new(6);
    let (x, y, image) = (t.input(8), t.input(3), t.image());
    let mut both = |kernel, halve| {
        let conv = t.random.conv(&mut t.graph, kernel, 8, 11, false);
        Op::Conv(Conv { halve, ..conv })
    };
    let (plain, half) = (both(KernelSize::One, false), both(KernelSize::One, true));
    let weight = t.random.param(&mut t.graph, "conv", &[8, 8, 1, 1]);
    let (to, from) = ([3, 8, 1, 1], [8, 3, 1, 1]);
    let sam = Op::Sam(Sam {
        features: weight,
        features_bias: None,
        image: t.random.param(&mut t.graph, "to", &to),
        image_bias: None,
        gate: t.random.param(&mut t.graph, "from", &from),
        gate_bias: None,
        emit_image: false,
    });
    for (op, fits, refused) in [
        (Op::Concat, Some([x, y]), [x, image]),
        (plain, Some([x, y]), [x, image]),
        (half, None, [x, y]),
        (sam, Some([x, image]), [x, y]),
    ] {
        let mut push = |inputs: &[TensorId]| t.graph.push("op", op, inputs, Patches::WHOLE);
        assert!(fits.is_none_or(|inputs| push(&inputs).is_ok()), "{op:?}");
        assert!(matches!(push(&refused), Err(Error::Shape { .. })), "{op:?}");
    }
}

fn network(config: ModelConfig, format: ImageFormat, stage: Stage, keep: &[&str]) -> Graph {
    let keep = keep.iter().map(|&k| k.to_owned()).collect();
    let options = NetworkOptions { height: 64, width: 64, format, stage, mode: Mode::Global, keep };
    model::build(&Weights::seeded(config, 1), &options).unwrap()
}

fn histogram(graph: &Graph) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    graph.nodes().iter().for_each(|n| *counts.entry(label(n)).or_default() += 1);
    counts
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

#[test]
fn operators_of_the_deraining_network() {
    let graph = network(ModelConfig::DERAIN, ImageFormat::Words, Stage::Three, &[]);
    // Attention blocks: 3 shallow, 6 in each of 2 encoders, 8 in each of 2 decoders, 8 in each of 3 full blocks.
    let blocks = 3 + 2 * 6 + 2 * 8 + 3 * 8;
    let before = counts([
        ("unpack", 1),
        ("pack", 3),
        // Two a block; shallow, concatenated, closing a full block, tail.
        ("conv3x3", 2 * blocks + 3 + 2 + 3 + 1),
        // Down, up, cross-stage fusion, attention modules, and those of stage 3.
        ("conv1x1", 4 + 4 + 6 + 6 + 12),
        ("prelu", blocks),
        ("pool_cells", blocks),
        ("pool_rows", blocks),
        ("attention", blocks),
        ("gate", blocks),
        ("concat", 2),
        ("downsample", 4),
        ("upsample", 4 + 6),
        // Skips, pairs and their sums in cross-stage fusion and stage 3, images, full blocks, tail.
        ("add", 4 + 6 + 6 + 2 + 3 + 1),
        ("sigmoid_gate", 2),
    ]);
    assert_eq!(histogram(&graph), before);
    let after = counts([
        ("unpack", 1),
        ("pack", 1),
        ("conv3x3", 3),
        ("conv3x3(2)", 2),
        ("conv3x3+prelu", blocks),
        ("conv3x3+pool", blocks),
        ("conv3x3+residual", 4),
        ("pool_rows", blocks),
        ("attention", blocks),
        ("gate", blocks),
        ("conv1x1/2", 4),
        ("conv1x1", 4),
        // Cross-stage fusion, and the first of stage 3, which is at full size; its others are upsampled after.
        ("conv1x1(2)+residual", 3 + 1),
        ("conv1x1(2)", 2),
        ("upsample+residual", 4 + 2),
        ("upsample", 1),
        ("sam", 2),
    ]);
    assert_eq!(histogram(&passes::optimize(graph).unwrap()), after);
}

/// The words of a photo that is padded, and of the result; of what is read besides there is a tensor.
#[test]
fn photos_are_unpacked_where_they_are_padded_and_packed_where_they_are_cropped() {
    let of = |format, stage, keep: &[&str]| {
        let keep = keep.iter().map(|&k| k.to_owned()).collect();
        let options = NetworkOptions { height: 61, width: 64, format, stage, mode: Mode::Global, keep };
        let graph = model::build(&Weights::seeded(TINY, 1), &options).unwrap();
        let counts = [histogram(&graph), histogram(&passes::optimize(graph).unwrap())];
        ["unpack", "pad", "unpack+pad", "crop", "pack", "crop+pack"]
            .map(|name| counts.each_ref().map(|counts| counts.get(name).copied().unwrap_or(0)))
    };
    let words = ImageFormat::Words;
    let gone = [[1, 0], [1, 0], [0, 1], [3, 0], [3, 0], [0, 1]];
    assert_eq!(of(words, Stage::Three, &[]), gone);
    assert_eq!(of(words, Stage::One, &[]), gone);
    let stage1 = [[1, 0], [1, 0], [0, 1], [3, 1], [3, 0], [0, 1]];
    assert_eq!(of(words, Stage::Three, &["stage1"]), stage1);
    let both = [[1, 1], [1, 1], [0, 0], [3, 1], [3, 1], [0, 0]];
    assert_eq!(of(words, Stage::Three, &["input", "stage3"]), both);
    let planes = [[0, 0], [1, 1], [0, 0], [3, 1], [0, 0], [0, 0]];
    assert_eq!(of(ImageFormat::Planar, Stage::Three, &[]), planes);
}

#[test]
fn an_early_stage_does_no_later_work() {
    let later =
        ["shallow_feat2", "concat12", "stage2", "sam23", "shallow_feat3", "concat23", "stage3", "tail"];
    for (stage, later) in [(Stage::One, &later[..]), (Stage::Two, &later[4..])] {
        let graph = network(TINY, ImageFormat::Words, stage, &[]);
        let mut alive = graph.clone();
        passes::drop_dead(&mut alive);
        for part in later {
            let computes = |g: &Graph| g.names().iter().any(|n| n.starts_with(part));
            assert!(computes(&graph), "nothing is named {part}");
            assert!(!computes(&alive) && !computes(&passes::optimize(graph.clone()).unwrap()), "{part}");
        }
        assert_eq!(histogram(&alive)["pack"], 1);
    }
}

#[test]
fn unwanted_stage_images_are_not_computed() {
    for shuffle in [1, 2] {
        let config = ModelConfig { shuffle, ..TINY };
        let of = |keep: &[&str]| {
            let graph = network(config, ImageFormat::Words, Stage::Three, keep);
            let counts = histogram(&passes::optimize(graph).unwrap());
            ["sam", "sam+image", "pixel_shuffle", "pack"].map(|n| counts.get(n).copied().unwrap_or(0))
        };
        let shuffles = usize::from(shuffle > 1);
        assert_eq!(of(&[]), [2, 0, shuffles, 1]);
        assert_eq!(of(&["stage1"]), [1, 1, 2 * shuffles, 1]);
        assert_eq!(of(&["stage1.words", "stage2"]), [0, 2, 3 * shuffles, 2]);
    }
}
