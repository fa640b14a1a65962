//! Padding by reflection and cropping, as operators and in whole networks.

use mprnet::Error;
use mprnet::graph::{Graph, Op, Patches, Role, TensorDesc, TensorId, cpu, reflected};
use mprnet::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};
use mprnet::plan::{Reach, Window};
use proptest::prelude::*;

use crate::common::{Random, feature};
use crate::passes::TINY;

fn reflection(side: u32, padded: u32) -> Vec<u32> {
    (0..padded).map(|i| reflected(i, side)).collect()
}

#[test]
fn reflection_as_numpy_does_it() {
    assert_eq!(reflection(1, 8), [0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(reflection(2, 8), [0, 1, 0, 1, 0, 1, 0, 1]);
    assert_eq!(reflection(3, 8), [0, 1, 2, 1, 0, 1, 2, 1]);
    assert_eq!(reflection(5, 8), [0, 1, 2, 3, 4, 3, 2, 1]);
    assert_eq!(reflection(6, 8), [0, 1, 2, 3, 4, 5, 4, 3]);
    assert_eq!(reflection(8, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(reflection(4, 16), [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3]);
    assert_eq!(reflected(u32::MAX, u32::MAX), u32::MAX - 2);
}

/// The only result of an operator.
fn run(op: Op, desc: TensorDesc, input: &[f64]) -> mprnet::Result<Vec<f64>> {
    let mut graph = Graph::new();
    let x = graph.add_input("x", desc);
    let y = graph.push("y", op, &[x], Patches::WHOLE)?;
    Ok(cpu::run(&graph, &[input.to_vec()])?.remove(&y).unwrap().data)
}

fn pad([height, width]: [u32; 2], unpack: bool) -> Op {
    Op::Pad { height, width, unpack }
}

fn crop([height, width]: [u32; 2], pack: bool) -> Op {
    Op::Crop { height, width, pack }
}

/// Both directions at once, against the outcome written down.
#[test]
fn a_small_image_padded_and_cropped() {
    let desc = feature(1, 2, 3, Patches::WHOLE);
    let small = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let padded = run(pad([4, 4], false), desc, &small).unwrap();
    assert_eq!(padded, [1, 2, 3, 2, 4, 5, 6, 5, 1, 2, 3, 2, 4, 5, 6, 5].map(f64::from));
    let large = feature(1, 4, 4, Patches::WHOLE);
    assert_eq!(run(crop([2, 3], false), large, &padded).unwrap(), small);
}

/// Colours past black and white are clamped. One that is no finite number makes its whole pixel 0, so that the host can
/// tell.
#[test]
fn a_small_image_packed() {
    let colours = [0.0, 1.0, -3.0, 7.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let desc = TensorDesc { role: Role::Image, ..feature(3, 1, 7, Patches::WHOLE) };
    let others = [[1.0; 7], [0.0; 7]].concat();
    let packed = run(Op::Pack, desc, &[&colours[..], &others].concat()).unwrap();
    let (black, white) = (0xff00_ff00_u32, 0xff00_ffff_u32);
    assert_eq!(packed, [black, white, black, white, 0, 0, 0].map(f64::from));
}

#[test]
fn sizes_and_roles_that_do_not_fit() {
    let image = feature(3, 4, 6, Patches::WHOLE);
    let words = TensorDesc { channels: 1, role: Role::Words, ..image };
    let sums = TensorDesc { role: Role::Pooled, ..image };
    let wrong = [
        (pad([3, 6], false), image),
        (pad([4, 5], false), image),
        (pad([8, 8], true), image),
        (pad([8, 8], false), words),
        (pad([8, 8], false), sums),
        (crop([5, 6], false), image),
        (crop([4, 7], false), image),
        (crop([0, 6], false), image),
        (crop([2, 2], false), words),
        (crop([2, 2], false), sums),
        (crop([2, 2], true), TensorDesc { channels: 4, ..image }),
    ];
    for (op, desc) in wrong {
        let values = vec![0.0; desc.elements() as usize];
        assert!(matches!(run(op, desc, &values), Err(Error::Shape { .. })), "{op:?} of {desc}");
    }
}

/// The network for a photo of its own size is the one for the padded photo, between padding and cropping.
#[test]
fn networks_pad_and_crop_their_photos() {
    for (shuffle, stage) in [(1, Stage::One), (1, Stage::Three), (2, Stage::Two)] {
        let weights = Weights::seeded(ModelConfig { shuffle, ..TINY }, 1);
        let network = |height, width| {
            let format = ImageFormat::Planar;
            model::build(
                &weights,
                &NetworkOptions { height, width, format, stage, mode: Mode::Global, keep: vec![] },
            )
            .unwrap()
        };
        let result = |graph: &Graph, input: &[f64]| {
            let output: TensorId = graph.outputs()[0];
            cpu::run(graph, &[input.to_vec()]).unwrap().remove(&output).unwrap().data
        };
        let photo: Vec<f64> = Random::new(3).values(3 * 9 * 5).into_iter().map(f64::from).collect();
        let desc = feature(3, 9, 5, Patches::WHOLE);
        let side = [9, 5].map(|side: u32| side.next_multiple_of(8 * shuffle));
        let padded = run(pad(side, false), desc, &photo).unwrap();
        let whole = result(&network(side[0], side[1]), &padded);
        let large = feature(3, side[0], side[1], Patches::WHOLE);
        let expected = run(crop([9, 5], false), large, &whole).unwrap();
        assert_eq!(result(&network(9, 5), &photo), expected, "{shuffle} {stage:?}");
    }
}

#[test]
fn sides_that_cannot_be_padded() {
    let config = ModelConfig { shuffle: 2, ..TINY };
    assert_eq!(config.padded((1, 16)).unwrap(), (16, 16));
    assert_eq!(config.padded((17, 15)).unwrap(), (32, 16));
    for size in [(0, 16), (16, 0), (u32::MAX, 16), (16, u32::MAX - 14)] {
        assert!(matches!(config.padded(size), Err(Error::Size { multiple: 16, .. })), "{size:?}");
    }
}

/// The place a walk of `i` steps ends at that turns round at both edges.
fn walk(i: u32, side: u32) -> u32 {
    let (mut at, mut forward) = (0, true);
    for _ in 0..i {
        if side == 1 {
            return 0;
        }
        forward = if at == 0 { true } else { forward && at + 1 < side };
        if forward { at += 1 } else { at -= 1 }
    }
    at
}

proptest! {
    #[test]
    fn every_padded_pixel_is_the_reflected_one(
        height in 1_u32..20, width in 1_u32..20, more in prop::array::uniform2(0_u32..40)
    ) {
        let words: Vec<f64> = (0..height * width).map(|i| f64::from((i * 0x0001_0307) & 0x00ff_ffff)).collect();
        let desc = TensorDesc { role: Role::Words, ..feature(1, height, width, Patches::WHOLE) };
        let size = [height + more[0], width + more[1]];
        let padded = run(pad(size, true), desc, &words).unwrap();
        let plane = (size[0] * size[1]) as usize;
        prop_assert_eq!(padded.len(), 3 * plane);
        for i in 0..plane as u32 {
            let source = walk(i / size[1], height) * width + walk(i % size[1], width);
            for channel in 0..3 {
                let byte = words[source as usize] as u32 >> (8 * channel) & 255;
                prop_assert_eq!(padded[channel * plane + i as usize], f64::from(byte) / 255.0);
            }
        }
        let padded_desc = feature(3, size[0], size[1], Patches::WHOLE);
        let back = run(crop([height, width], true), padded_desc, &padded).unwrap();
        prop_assert_eq!(back, words.iter().map(|&w| f64::from(w as u32 | 255 << 24)).collect::<Vec<_>>());
    }

    /// No row that a window reads is left out, and none is bound for nothing.
    #[test]
    fn windows_reach_just_the_rows_that_they_reflect(
        height in 1_u32..60, start in 0_u32..80, rows in 1_u32..40
    ) {
        let window = Window { cell_rows: 0..1, rows: start..start + rows };
        let read: Vec<u32> = (start..start + rows).map(|row| walk(row, height)).collect();
        let expected = *read.iter().min().unwrap()..*read.iter().max().unwrap() + 1;
        prop_assert_eq!(Reach::Reflected.rows(&window, height), expected);
    }

    /// An even row of a result of twice the height lies between its own and the row before, an odd one between its own
    /// and the next. Windows begin with an even row, where a cell does.
    #[test]
    fn windows_reach_just_the_rows_that_they_lie_between(
        height in 1_u32..60, cell in 0_u32..16, rows in 1_u32..40
    ) {
        let (start, end) = (8 * cell % (2 * height), 2 * height);
        let window = Window { cell_rows: 0..1, rows: start..end.min(start + rows) };
        let other = |row: u32| {
            if row.is_multiple_of(2) { (row / 2).saturating_sub(1) } else { (row / 2 + 1).min(height - 1) }
        };
        let read: Vec<u32> = window.rows.clone().flat_map(|row| [row / 2, other(row)]).collect();
        let (first, last) = (*read.iter().min().unwrap(), *read.iter().max().unwrap());
        let reached = Reach::HalfAround.rows(&window, height);
        // Of an odd number of rows the last has no use for the one behind.
        let ends = last + 1..=last + 1 + rows % 2;
        prop_assert!(reached.start == first && ends.contains(&reached.end), "{reached:?}");
    }
}
