//! Packed weights are where the shaders look for them.

use mprnet::gpu::Storage;
use mprnet::graph::{Graph, KernelSize, Op, Patches};
use mprnet::kernels::{self, Choices, Packed, Target, Variant};

use crate::common::{Random, feature};

/// A convolution of two sources of 5 and 6 channels, its weights and its biases.
fn convolution(out: usize) -> (Graph, Vec<f32>, Vec<f32>) {
    let mut random = Random::new(1);
    let mut graph = Graph::new();
    let ids = [5, 6].map(|channels| graph.add_input("input", feature(channels, 8, 8, Patches::WHOLE)));
    let conv = random.conv(&mut graph, KernelSize::Three, out, 11, true);
    graph.push("conv", Op::Conv(conv), &ids, Patches::WHOLE).unwrap();
    let weights = [conv.weight, conv.bias.unwrap()].map(|id| graph.param(id).data.to_vec());
    let [weight, bias] = weights;
    (graph, weight, bias)
}

/// The constants and the packed weights of its kernel.
fn packed(graph: &Graph, variant: Variant) -> (Vec<(&'static str, u32)>, Packed) {
    let target =
        Target { subgroups: Some((32, 32)), matrices: vec![8, 16], ..Target::portable(Storage::F16) };
    let target = target.with_choices(Choices::Always(variant));
    let lowered = kernels::lower(graph, &graph.nodes()[0], &target);
    let stage = &lowered.stages[0];
    (stage.spec.constants.clone(), (stage.packing.as_ref().unwrap().pack)(graph))
}

/// `[tap][input, padded][output, padded]`: each source's inputs are padded to quads.
#[test]
fn filters_as_a_matrix() {
    let (out, inputs, outputs) = (41, 16, 44);
    let (graph, weight, bias) = convolution(out);
    // The inputs 5 to 10 are those of the second source, which begins at a quad.
    let place = |input: usize| if input < 5 { input } else { input + 3 };
    for variant in [Variant::Direct, Variant::Lanes] {
        let (_, packed) = packed(&graph, variant);
        let mut expected = vec![0.0; 9 * inputs * outputs];
        for (i, &value) in weight.iter().enumerate() {
            let (output, input, tap) = (i / 99, i / 9 % 11, i % 9);
            expected[(tap * inputs + place(input)) * outputs + output] = value;
        }
        assert!(packed.weights == expected, "{variant:?}");
        assert_eq!(packed.bias[..out], bias[..], "{variant:?}");
        assert_eq!(packed.bias[out..], vec![0.0; outputs - out], "{variant:?}");
    }
}

/// `[group][slice][kx][ky][output of a block][block][input]`: each source's inputs are padded to slices of 16.
#[test]
fn filters_as_matrices() {
    let out = 70;
    let (graph, weight, bias) = convolution(out);
    for (variant, side, blocks, groups) in [(Variant::Matrix8, 8, 5, 2), (Variant::Matrix16, 16, 3, 2)] {
        let (constants, packed) = packed(&graph, variant);
        assert!(constants.contains(&("BLOCKS", blocks as u32)), "{variant:?} {constants:?}");
        let mut expected = vec![0.0; groups * 2 * 9 * side * blocks * 16];
        for (i, &value) in weight.iter().enumerate() {
            let (output, input, ky, kx) = (i / 99, i / 9 % 11, i / 3 % 3, i % 3);
            let (slice, input) = if input < 5 { (0, input) } else { (1, input - 5) };
            let (group, block, output) = (output / side / blocks, output / side % blocks, output % side);
            let column = (group * 2 + slice) * 3 + kx;
            expected[(((column * 3 + ky) * side + output) * blocks + block) * 16 + input] = value;
        }
        assert!(packed.weights == expected, "{variant:?}");
        assert_eq!(packed.bias[..out], bias[..], "{variant:?}");
        assert_eq!(packed.bias[out..], vec![0.0; groups * blocks * side - out], "{variant:?}");
    }
}
