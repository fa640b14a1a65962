//! Each operator's shader against the CPU twin at random shapes, whole and cut into windows.

use std::sync::OnceLock;

use mprnet::gpu::{Device, DeviceOptions, Maker};
use mprnet::graph::{
    Attention, Axis, BoxMean, Conv, Epilogue, Graph, KernelSize, MEANS_PER_RUN, Op, Patches, PixelFormat,
    Role, Sam, TensorDesc, TensorId, cpu,
};
use mprnet::kernels::{Choices, Target, Variant};
use mprnet::plan::Precision;
use mprnet::{Executor, ExecutorOptions, Values, WeightStore, kernels};

use crate::common::{Random, assert_close, feature};
use crate::{device, execute, execute_on, packed_device, planar};

/// A sum of k products in f32, added one after the other, errs by at most k eps relative to the sum of magnitudes
/// and by about sqrt(k) eps / 2 for random signs; k is at most 9 * 40 here, and eps is 2^-24. The largest of
/// these operators stays below 2e-6, as a fused multiply-add rounds once a product.
const DIRECT: f64 = 2e-6;
/// Storing in f16 rounds inputs, weights and results to 11 bits: 2^-12 relative each, on average less.
const HALF: f64 = 1e-3;

/// An operator on a graph of its own.
struct Case {
    graph: Graph,
    inputs: Vec<Values>,
}

impl Case {
    fn new(
        random: &mut Random,
        descs: &[TensorDesc],
        build: impl FnOnce(&mut Graph, &[TensorId]) -> TensorId,
    ) -> Self {
        let mut graph = Graph::new();
        let ids: Vec<TensorId> =
            descs.iter().enumerate().map(|(i, &desc)| graph.add_input(&format!("input{i}"), desc)).collect();
        build(&mut graph, &ids);
        let outputs = graph.nodes().last().unwrap().outputs.clone();
        outputs.into_iter().for_each(|t| graph.mark_output(t));
        let values = |desc: &TensorDesc| match desc.role {
            Role::Words => {
                Values::Words((0..desc.elements()).map(|_| random.below(1 << 24) | 255 << 24).collect())
            }
            _ => Values::Planar(random.values(desc.elements() as usize)),
        };
        Self { inputs: descs.iter().map(values).collect(), graph }
    }

    /// What GPUs' kernels give: whole, and to the bit the same cut into bands.
    fn as_for_gpus(&self, what: &str) -> Vec<Values> {
        let options =
            ExecutorOptions { choices: Choices::Always(Variant::Block), ..ExecutorOptions::default() };
        let whole = execute_on(posing_device(), &self.graph, &self.inputs, &options);
        let options = ExecutorOptions { slice: Some(1), ..options };
        let cut = execute_on(posing_device(), &self.graph, &self.inputs, &options);
        assert!(cut == whole, "{what}: cut and uncut differ as for GPUs");
        whole
    }

    /// Compares with the twin: whole, in f16, and cut so that every band is a dispatch of its own, to the bit; with the
    /// kernels of the adapter at hand, and those for GPUs.
    fn check(&self, what: &str) {
        let inputs: Vec<Vec<f64>> = self.inputs.iter().map(exact).collect();
        let expected = cpu::run(&self.graph, &inputs).unwrap();
        // Other variants have tests of their own.
        let options =
            ExecutorOptions { choices: Choices::Always(Variant::Block), ..ExecutorOptions::default() };
        let whole = execute(&self.graph, &self.inputs, &options);
        let options = ExecutorOptions { slice: Some(1), ..options };
        let lower = |node| {
            kernels::lower(&self.graph, node, &Target::of(device(), Precision::Exact)).domain().cell_rows()
                as usize
        };
        let bands: usize = self.graph.nodes().iter().map(lower).sum();
        let cut = Executor::new(device(), &WeightStore::default(), self.graph.clone(), &options).unwrap();
        assert_eq!(cut.dispatch_count(), bands, "{what}: a band is not a dispatch of its own");
        assert!(execute(&self.graph, &self.inputs, &options) == whole, "{what}: cut and uncut differ");
        let options = ExecutorOptions { precision: Precision::F16, slice: None, ..options };
        let half = execute(&self.graph, &self.inputs, &options);
        let posed = self.as_for_gpus(what);
        let packed = execute_on(packed_device(), &self.graph, &self.inputs, &options);
        for (i, &id) in self.graph.outputs().iter().enumerate() {
            if self.graph.desc(id).role == Role::Words {
                assert_eq!(exact(&whole[i]), expected[&id].data, "{what}");
                continue;
            }
            let twin: Vec<f32> = expected[&id].data.iter().map(|&v| v as f32).collect();
            assert_close(&format!("{what}, output {i}"), planar(&whole[i]), &twin, DIRECT);
            assert_close(&format!("{what}, output {i}, as for GPUs"), planar(&posed[i]), &twin, DIRECT);
            assert_close(&format!("{what}, output {i}, f16"), planar(&half[i]), &twin, HALF);
            assert_close(&format!("{what}, output {i}, packed f16"), planar(&packed[i]), &twin, HALF);
        }
    }
}

/// A device whose kernels are those for a GPU.
fn posing_device() -> &'static Device {
    static DEVICE: OnceLock<Device> = OnceLock::new();
    DEVICE.get_or_init(|| {
        let options = DeviceOptions { kernels_for: Some(Maker::Amd), ..DeviceOptions::default() };
        Device::new(&options).expect("these tests need a GPU adapter")
    })
}

fn exact(values: &Values) -> Vec<f64> {
    match values {
        Values::Words(words) => words.iter().map(|&w| f64::from(w)).collect(),
        Values::Planar(values) => values.iter().map(|&v| f64::from(v)).collect(),
    }
}

const GRIDS: [Patches; 3] = [Patches::WHOLE, Patches::HALVES, Patches::QUARTERS];

#[test]
fn convolutions() {
    let mut random = Random::new(1);
    let shapes = [(5, 7, 3, 6), (40, 9, 22, 26), (12, 17, 18, 12), (8, 33, 2, 2)];
    for (i, (channels, out, height, width)) in shapes.into_iter().enumerate() {
        for kernel in [KernelSize::Three, KernelSize::One] {
            let patches =
                if height % 2 == 0 { GRIDS[(i + kernel.side() as usize) % 3] } else { Patches::WHOLE };
            for (epilogue, pooled) in [(0, false), (1, false), (2, false), (0, kernel == KernelSize::Three)] {
                let x = feature(channels, height, width, patches);
                let added = feature(out, height, width, patches);
                let case = Case::new(&mut random.clone(), &[x, added], |graph, ids| {
                    let conv = random.conv(graph, kernel, out as usize, channels as usize, i % 2 == 0);
                    let epilogue = [Epilogue::None, Epilogue::Prelu(0.2), Epilogue::Residual][epilogue];
                    let inputs = if epilogue == Epilogue::Residual { ids } else { &ids[..1] };
                    graph.push("conv", Op::Conv(Conv { epilogue, pooled, ..conv }), inputs, patches).unwrap()
                });
                case.check(&format!(
                    "{kernel:?} {channels}->{out} {height}x{width} {patches:?} {epilogue} {pooled}"
                ));
            }
        }
    }
}

#[test]
fn convolutions_over_two_sources_and_at_half_size() {
    let mut random = Random::new(2);
    for (kernel, halve) in [(KernelSize::Three, false), (KernelSize::One, false), (KernelSize::One, true)] {
        let (a, b) = (feature(6, 12, 20, Patches::WHOLE), feature(9, 12, 20, Patches::WHOLE));
        let case = Case::new(&mut random.clone(), &[a, b], |graph, ids| {
            let conv = random.conv(graph, kernel, 10, if halve { 6 } else { 15 }, true);
            let inputs = if halve { &ids[..1] } else { ids };
            graph.push("conv", Op::Conv(Conv { halve, ..conv }), inputs, Patches::HALVES).unwrap()
        });
        case.check(&format!("{kernel:?} of two sources or half size ({halve})"));
    }
}

#[test]
fn elementwise_and_resampling() {
    let mut random = Random::new(3);
    for patches in GRIDS {
        let x = feature(10, 18, 28, patches);
        let wide = feature(10, 36, 56, patches);
        // An even number of quads, and an odd number of columns in a patch.
        let (even, even_wide) = (feature(14, 18, 22, patches), feature(14, 36, 44, patches));
        let ops: [(&str, Op, &[TensorDesc]); 10] = [
            ("prelu", Op::Prelu { slope: 0.3 }, &[x]),
            ("add", Op::Add, &[x, x]),
            ("concat", Op::Concat, &[x, x]),
            ("sigmoid gate", Op::SigmoidGate, &[x, x, x]),
            ("downsample", Op::Downsample, &[wide]),
            ("upsample", Op::Upsample { residual: false }, &[x]),
            ("upsample + residual", Op::Upsample { residual: true }, &[x, wide]),
            ("upsample in twos", Op::Upsample { residual: false }, &[even]),
            ("upsample in twos + residual", Op::Upsample { residual: true }, &[even, even_wide]),
            ("pool cells", Op::PoolCells, &[x]),
        ];
        for (name, op, descs) in ops {
            let case =
                Case::new(&mut random, descs, |graph, ids| graph.push(name, op, ids, patches).unwrap());
            case.check(&format!("{name} {patches:?}"));
        }
    }
}

/// Windows of one value, of some, of all; more means than a run, and runs that patches cut short.
#[test]
fn means_of_windows() {
    let mut random = Random::new(7);
    for (patches, size, rows, columns, prelu) in [
        (Patches::WHOLE, [19, 23], 5, 8, None),
        (Patches::WHOLE, [300, 18], 17, 1, Some(0.0)),
        (Patches::WHOLE, [9, 290], 9, 13, Some(0.3)),
        (Patches::HALVES, [290, 14], 11, 14, None),
        (Patches::QUARTERS, [20, 560], 10, 30, Some(0.0)),
    ] {
        for channels in [10, 4] {
            let x = feature(channels, size[0], size[1], patches);
            let case = Case::new(&mut random, &[x], |graph, ids| {
                let rows = Op::BoxMean(BoxMean { axis: Axis::Rows, window: rows, prelu: None });
                let half = graph.push("rows", rows, ids, patches).unwrap();
                graph.mark_output(half);
                let columns = Op::BoxMean(BoxMean { axis: Axis::Columns, window: columns, prelu });
                graph.push("means", columns, &[half], patches).unwrap()
            });
            case.check(&format!("means of {rows}x{columns} in {size:?} {patches:?}"));
        }
    }
}

/// As many rows as a photo of twelve megapixels has, of values that are nearly alike, whose sums are large beside what
/// tells them apart: no mean is off by more than a quarter of what src/kernels/box_mean.rs allows.
#[test]
fn means_of_a_tall_photo() {
    const WINDOW: u32 = 384;
    let x = feature(4, 3000, 4, Patches::WHOLE);
    let values: Vec<f32> = Random::new(10).values(x.elements() as usize).iter().map(|v| 3.0 + v).collect();
    let mut graph = Graph::new();
    let input = graph.add_input("x", x);
    let op = Op::BoxMean(BoxMean { axis: Axis::Rows, window: WINDOW, prelu: None });
    let means = graph.push("means", op, &[input], Patches::WHOLE).unwrap();
    graph.mark_output(means);
    let expected = &cpu::run(&graph, &[values.iter().map(|&v| f64::from(v)).collect()]).unwrap()[&means].data;
    let actual = execute(&graph, &[Values::Planar(values)], &ExecutorOptions::default());
    let largest = 4.0;
    let worst = planar(&actual[0]).iter().zip(expected).map(|(&a, e)| (f64::from(a) - e).abs() / largest);
    let worst = worst.fold(0.0, f64::max);
    let roundings =
        8.0 + f64::from(WINDOW) / 8.0 + f64::from(MEANS_PER_RUN - 1) * (1.0 + 2.0 / f64::from(WINDOW)) + 3.0;
    let bound = roundings * (-24_f64).exp2();
    println!("at worst {worst:.2e} of {bound:.2e}");
    assert!(worst <= bound / 4.0, "{worst:.2e} where {bound:.2e} is the bound");
}

/// Gates of windows, of which a patch has fewer than pixels on either axis or on both.
#[test]
fn gates_by_maps() {
    let mut random = Random::new(8);
    for patches in GRIDS {
        for (channels, height, width) in [(10, 7, 6), (14, 18, 9), (14, 3, 1), (12, 1, 11)] {
            let x = feature(channels, 18 * patches.rows, 11 * patches.cols, patches);
            let map = feature(channels, height * patches.rows, width * patches.cols, patches);
            let case = Case::new(&mut random, &[x, map, x], |graph, ids| {
                graph.push("gated", Op::SigmoidGate, ids, patches).unwrap()
            });
            case.check(&format!("gate by a map of {height}x{width} {patches:?}"));
        }
    }
}

#[test]
fn channel_attention() {
    let mut random = Random::new(4);
    // Of odd and even numbers of quads, and of columns in a patch.
    for (patches, width, channels, hidden, bias) in [
        (Patches::WHOLE, 44, 40, 10, false),
        (Patches::HALVES, 44, 12, 3, true),
        (Patches::QUARTERS, 44, 56, 14, true),
        (Patches::QUARTERS, 42, 40, 10, true),
        (Patches::QUARTERS, 42, 12, 3, false),
    ] {
        let x = feature(channels as u32, 36, width, patches);
        let case = Case::new(&mut random.clone(), &[x, x], |graph, ids| {
            let area = u64::from(x.patch_height()) * u64::from(x.patch_width());
            let squeeze = random.param(graph, "squeeze", &[hidden, channels, 1, 1]);
            let excite = random.param(graph, "excite", &[channels, hidden, 1, 1]);
            let squeeze_bias = bias.then(|| random.param(graph, "b1", &[hidden]));
            let excite_bias = bias.then(|| random.param(graph, "b2", &[channels]));
            let attention = Attention { squeeze, squeeze_bias, excite, excite_bias, area };
            let cells = graph.push("cells", Op::PoolCells, &ids[..1], patches).unwrap();
            let rows = graph.push("rows", Op::PoolRows, &[cells], patches).unwrap();
            graph.mark_output(cells);
            graph.mark_output(rows);
            let gates = graph.push("gates", Op::Attention(attention), &[rows], patches).unwrap();
            graph.mark_output(gates);
            graph.push("gated", Op::Gate, &[ids[0], ids[1], gates], patches).unwrap()
        });
        case.check(&format!("attention {channels} {width} {patches:?}"));
    }
}

#[test]
fn supervised_attention_module() {
    let mut random = Random::new(5);
    for (channels, image, emit_image) in [(8, 3, true), (10, 12, false), (16, 48, true)] {
        let x = feature(channels, 11, 21, Patches::WHOLE);
        let picture = TensorDesc { channels: image, role: Role::Image, ..x };
        let (n, m) = (channels as usize, image as usize);
        let case = Case::new(&mut random.clone(), &[x, picture], |graph, ids| {
            let sam = Sam {
                features: random.param(graph, "conv1", &[n, n, 1, 1]),
                features_bias: Some(random.param(graph, "conv1.bias", &[n])),
                image: random.param(graph, "conv2", &[m, n, 1, 1]),
                image_bias: None,
                gate: random.param(graph, "conv3", &[n, m, 1, 1]),
                gate_bias: Some(random.param(graph, "conv3.bias", &[n])),
                emit_image,
            };
            graph.push("sam", Op::Sam(sam), ids, Patches::WHOLE).unwrap()
        });
        case.check(&format!("sam {channels} {image}"));
    }
}

/// Exponentials overflow long before the sigmoid stops being a number.
#[test]
fn sigmoids_far_out() {
    let desc = feature(4, 4, 4, Patches::WHOLE);
    let mut graph = Graph::new();
    let ids: Vec<TensorId> = ["a", "m", "x"].iter().map(|name| graph.add_input(name, desc)).collect();
    let out = graph.push("gated", Op::SigmoidGate, &ids, Patches::WHOLE).unwrap();
    graph.mark_output(out);
    let map: Vec<f32> =
        (0..64).map(|i| [-1e30, -200.0, -89.0, 0.0, 89.0, 200.0, 1e30, -80.5][i % 8]).collect();
    let inputs = [vec![1.0; 64], map.clone(), vec![0.5; 64]].map(Values::Planar);
    let actual = execute(&graph, &inputs, &ExecutorOptions::default());
    for (m, v) in map.iter().zip(planar(&actual[0])) {
        let expected = 0.5 + if *m == 0.0 { 0.5 } else { f32::from(u8::from(*m > 0.0)) };
        assert!((v - expected).abs() < 1e-6, "sigmoid({m}) gives {}", v - 0.5);
    }
}

#[test]
fn pixels_in_and_out() {
    let mut random = Random::new(6);
    let image = |channels, height, width| TensorDesc {
        role: Role::Image,
        ..feature(channels, height, width, Patches::WHOLE)
    };
    let words = TensorDesc { role: Role::Words, ..image(1, 13, 22) };
    let pad = |[height, width]: [u32; 2], unpack| Op::Pad { height, width, unpack };
    let crop = |[height, width]: [u32; 2], pack| Op::Crop { height, width, pack };
    let ops = [
        ("unpack", Op::Unpack, words),
        ("pad", pad([32, 32], false), image(3, 13, 22)),
        ("pad back and forth", pad([24, 16], false), image(3, 3, 2)),
        ("pad one pixel", pad([16, 16], false), image(3, 1, 1)),
        ("pad nothing", pad([13, 22], false), image(3, 13, 22)),
        ("pad features", pad([24, 40], false), feature(10, 19, 33, Patches::WHOLE)),
        ("unpack + pad", pad([32, 32], true), words),
        ("crop", crop([13, 22], false), image(3, 32, 32)),
        ("crop features", crop([19, 33], false), feature(10, 24, 40, Patches::WHOLE)),
        ("crop + pack", crop([13, 22], true), image(3, 32, 32)),
        ("pack", Op::Pack, image(3, 13, 22)),
        ("unshuffle 2", Op::PixelUnshuffle { factor: 2 }, image(3, 26, 22)),
        ("unshuffle 4", Op::PixelUnshuffle { factor: 4 }, image(3, 28, 20)),
        ("shuffle 2", Op::PixelShuffle { factor: 2 }, image(12, 13, 9)),
        ("shuffle 4", Op::PixelShuffle { factor: 4 }, image(48, 9, 7)),
    ];
    for (name, op, desc) in ops {
        let case =
            Case::new(&mut random, &[desc], |graph, ids| graph.push(name, op, ids, Patches::WHOLE).unwrap());
        case.check(name);
    }
}

/// Pixels of the device's own images, in rows that are longer than the image's and just as long.
#[test]
fn pixels_of_the_device() {
    let mut random = Random::new(7);
    for format in [PixelFormat::Unorm8, PixelFormat::Float16, PixelFormat::Float32] {
        for (height, width, row) in [(13, 22, 22), (9, 70, 128), (1, 1, 64)] {
            let words =
                TensorDesc { role: Role::Words, ..feature(1, height, row * format.words(), Patches::WHOLE) };
            let image = TensorDesc { role: Role::Image, ..feature(3, height, width, Patches::WHOLE) };
            let what = format!("{format:?} {width}x{height} in rows of {row}");
            let read = Op::ReadPixels { format, width };
            Case::new(&mut random, &[words], |graph, ids| {
                graph.push("read", read, ids, Patches::WHOLE).unwrap()
            })
            .check(&what);
            // Which way a driver rounds to 16 bits is its own affair; tests of whole networks have a bound for it.
            if format != PixelFormat::Float16 {
                let write = Op::WritePixels { format, strength: 1.0 };
                Case::new(&mut random, &[image, words], |graph, ids| {
                    graph.push("write", write, ids, Patches::WHOLE).unwrap()
                })
                .check(&what);
            }
        }
    }
}
