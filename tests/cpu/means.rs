//! Means of windows: what the passes make of them, and what no graph takes.

use mprnet::graph::{Axis, BoxMean, Op, Patches, Role, TensorDesc};

use crate::common::feature;
use crate::fusions::expect;
use crate::passes::Toy;

/// The first of the small layers leaves fewer channels to take means of.
#[test]
fn means_of_windows() {
    let of = |axis, window| Op::BoxMean(BoxMean { axis, window, prelu: None });
    let mean = |axis| of(axis, 3);
    let block =
        ["conv3x3+prelu", "conv3x3", "conv1x1", "box_mean", "box_mean+prelu", "conv1x1", "sigmoid_gate"];
    expect(&block, |t| {
        let x = t.input(8);
        vec![t.local_cab(x, [3, 5])]
    });
    let apart = ["box_mean", "box_mean", "conv1x1"];
    // Into as many channels, into fewer of means that are wanted, and of means along the axes the other way round.
    for (axes, out, wanted) in [
        ([Axis::Rows, Axis::Columns], 8, false),
        ([Axis::Rows, Axis::Columns], 4, true),
        ([Axis::Columns, Axis::Rows], 4, false),
    ] {
        expect(&apart, |t| {
            let x = t.input(8);
            let first = t.op(mean(axes[0]), &[x]);
            let second = t.op(mean(axes[1]), &[first]);
            let last = t.conv1(second, out);
            if wanted { vec![second, last] } else { vec![last] }
        });
    }
    // Of so few means a convolution of all pixels would cost more.
    expect(&apart, |t| {
        let x = t.input(8);
        let first = t.op(of(Axis::Rows, 15), &[x]);
        let second = t.op(of(Axis::Columns, 15), &[first]);
        vec![t.conv1(second, 4)]
    });
    expect(&["box_mean+prelu"], |t| {
        let x = t.input(8);
        let means = t.op(mean(Axis::Rows), &[x]);
        vec![t.prelu(means)]
    });
    expect(&["box_mean", "prelu"], |t| {
        let x = t.input(8);
        let means = t.op(mean(Axis::Rows), &[x]);
        vec![means, t.prelu(means)]
    });
}

/// Windows that no patch has room for, and maps of more places than pixels, of other patches or stored in another way.
#[test]
fn windows_beyond_a_patch_are_refused() {
    let mut t = Toy::new(7);
    let x = t.input(8);
    for (patches, window, fits) in [
        (Patches::WHOLE, 16, true),
        (Patches::WHOLE, 17, false),
        (Patches::HALVES, 9, false),
        (Patches::WHOLE, 0, false),
    ] {
        let op = Op::BoxMean(BoxMean { axis: Axis::Rows, window, prelu: None });
        assert_eq!(t.graph.push("mean", op, &[x], patches).is_ok(), fits, "{window} in {patches:?}");
    }
    let mut map = |height, patches| t.graph.add_input("map", feature(8, height, 16, patches));
    let maps = [map(5, Patches::WHOLE), map(17, Patches::WHOLE), map(4, Patches::HALVES)];
    for (map, fits) in maps.into_iter().zip([true, false, false]) {
        let pushed = t.graph.push("gated", Op::SigmoidGate, &[x, map, x], Patches::WHOLE);
        assert_eq!(pushed.is_ok(), fits);
    }
    // A kernel reads features and their map as one type.
    let image = TensorDesc { role: Role::Image, ..t.graph.desc(x) };
    let map = t.graph.add_input("map", image);
    assert!(t.graph.push("gated", Op::SigmoidGate, &[x, map, x], Patches::WHOLE).is_err());
}
