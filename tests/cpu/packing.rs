//! Packed weights are where the shaders look for them.

use mprnet::gpu::Storage;
use mprnet::graph::{Graph, Kernel, Op, Patches};
use mprnet::kernels::{self, Choices, Target, Variant};

use crate::common::{Random, feature};

/// `[tap][input, padded][output, padded]`: each source's inputs are padded to quads, all of them to the slices that
/// matrices take.
#[test]
fn filters_as_a_matrix() {
    let (sources, out) = ([5_u32, 6], 41);
    let mut random = Random::new(1);
    let mut graph = Graph::new();
    let ids = sources.map(|channels| graph.input("input", feature(channels, 8, 8, Patches::WHOLE)));
    let conv = random.conv(&mut graph, Kernel::Three, out, 11, true);
    graph.push("conv", Op::Conv(conv), &ids, Patches::WHOLE).unwrap();
    let (weight, bias) = (graph.weights(conv.weight), graph.weights(conv.bias.unwrap()));
    // The inputs 5 to 10 are those of the second source, which begins at a quad.
    let place = |input: usize| if input < 5 { input } else { input + 3 };
    let matrices =
        Target { subgroups: Some((32, 32)), matrices: vec![8, 16], ..Target::portable(Storage::F16) };
    let cases = [
        (Variant::Direct, 16, 44),
        (Variant::Lanes, 16, 44),
        (Variant::Matrix8, 16, 48),
        (Variant::Matrix16, 16, 64),
    ];
    for (variant, inputs, outputs) in cases {
        let target = matrices.clone().with_choices(Choices::Always(variant));
        let lowered = kernels::lower(&graph, &graph.nodes()[0], &target);
        let packed = (lowered.stages[0].packing.as_ref().unwrap().pack)(&graph);
        let mut expected = vec![0.0; 9 * inputs * outputs];
        for (i, &value) in weight.data.iter().enumerate() {
            let (output, input, tap) = (i / 99, i / 9 % 11, i % 9);
            expected[(tap * inputs + place(input)) * outputs + output] = value;
        }
        assert!(packed.weights == expected, "{variant:?}");
        assert_eq!(packed.bias[..out], bias.data[..], "{variant:?}");
        assert_eq!(packed.bias[out..], vec![0.0; outputs - out], "{variant:?}");
    }
}
