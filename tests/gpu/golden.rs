//! Operators and blocks on the adapter against PyTorch's golden tensors.

use mprnet::graph::{
    Attention, Axis, BoxMean, Conv, Graph, KernelSize, Op, Param, ParamId, Patches, Role, Sam, TensorDesc,
    TensorId,
};
use mprnet::{ExecutorOptions, Values};

use crate::common::assert_close;
use crate::tensors::Golden;
use crate::{execute, planar};

/// As for the operators against the twin: golden tensors are f64 results rounded once.
const DIRECT: f64 = 2e-6;

/// A case of `operators.safetensors`, its tensors by name.
struct Case<'a> {
    golden: &'a Golden,
    name: &'a str,
    graph: Graph,
    inputs: Vec<Values>,
}

impl<'a> Case<'a> {
    fn new(golden: &'a Golden, name: &'a str) -> Self {
        Self { golden, name, graph: Graph::new(), inputs: Vec::new() }
    }

    fn values(&self, tensor: &str) -> &'a [f32] {
        self.golden.values(&format!("{}/{tensor}", self.name))
    }

    fn input(&mut self, tensor: &str, role: Role, patches: Patches) -> TensorId {
        let key = format!("{}/{tensor}", self.name);
        let (height, width) = self.golden.sides(&key);
        let channels = (self.golden.values(&key).len() / (height * width) as usize) as u32;
        self.inputs.push(Values::Planar(self.golden.values(&key).to_vec()));
        self.graph.add_input(tensor, TensorDesc { channels, height, width, patches, role })
    }

    fn feature(&mut self, tensor: &str, patches: Patches) -> TensorId {
        self.input(tensor, Role::Feature, patches)
    }

    fn param(&mut self, tensor: &str) -> ParamId {
        let name = format!("{}/{tensor}", self.name);
        let (shape, data) = (self.golden.shape(&name).to_vec(), self.golden.values(&name).into());
        self.graph.add_param(Param { name, shape, data })
    }

    fn check(mut self, op: Op, inputs: &[TensorId], patches: Patches, outputs: &[&str]) {
        let first = self.graph.push("result", op, inputs, patches).unwrap();
        let results = self.graph.nodes().last().unwrap().outputs.clone();
        assert_eq!(results[0], first);
        results.into_iter().for_each(|t| self.graph.mark_output(t));
        let actual = execute(&self.graph, &self.inputs, &ExecutorOptions::default());
        assert_eq!(actual.len(), outputs.len(), "{}", self.name);
        for (values, &tensor) in actual.iter().zip(outputs) {
            assert_close(&format!("{}/{tensor}", self.name), planar(values), self.values(tensor), DIRECT);
        }
    }
}

fn patches_of(name: &str) -> Patches {
    match name.rsplit('_').next() {
        Some("2x2") => Patches::QUARTERS,
        Some("2x1") => Patches::HALVES,
        _ => Patches::WHOLE,
    }
}

#[test]
fn convolutions() {
    let golden = Golden::read("operators.safetensors");
    for name in ["conv3x3", "conv3x3_patches_2x2", "conv3x3_patches_2x1", "conv3x3_two", "conv1x1"] {
        let mut case = Case::new(&golden, name);
        let patches = patches_of(name);
        let mut inputs = vec![case.feature("x", patches)];
        if golden.get(&format!("{name}/x2")).is_some() {
            inputs.push(case.feature("x2", patches));
        }
        let weight = case.param("weight");
        let bias = golden.get(&format!("{name}/bias")).is_some().then(|| case.param("bias"));
        let kernel = if name == "conv1x1" { KernelSize::One } else { KernelSize::Three };
        case.check(Op::Conv(Conv::new(kernel, weight, bias)), &inputs, patches, &["out"]);
    }
}

#[test]
fn elementwise_resampling_and_shuffles() {
    let golden = Golden::read("operators.safetensors");
    let slope = golden.values("prelu/slope")[0];
    let ops: [(&str, Op, &[&str]); 9] = [
        ("prelu", Op::Prelu { slope }, &["x"]),
        ("add", Op::Add, &["x", "y"]),
        ("sigmoid_gate", Op::SigmoidGate, &["a", "m", "x"]),
        ("down", Op::Downsample, &["x"]),
        ("up", Op::Upsample { residual: false }, &["x"]),
        ("up_patches_2x2", Op::Upsample { residual: false }, &["x"]),
        ("up_patches_2x1", Op::Upsample { residual: false }, &["x"]),
        ("pixel_unshuffle_2", Op::PixelUnshuffle { factor: 2 }, &["x"]),
        ("pixel_unshuffle_4", Op::PixelUnshuffle { factor: 4 }, &["x"]),
    ];
    let shuffles: [(&str, Op, &[&str]); 2] = [
        ("pixel_shuffle_2", Op::PixelShuffle { factor: 2 }, &["x"]),
        ("pixel_shuffle_4", Op::PixelShuffle { factor: 4 }, &["x"]),
    ];
    for (name, op, tensors) in ops.into_iter().chain(shuffles) {
        let mut case = Case::new(&golden, name);
        let patches = patches_of(name);
        let role = if name.starts_with("pixel") { Role::Image } else { Role::Feature };
        let inputs: Vec<TensorId> = tensors.iter().map(|t| case.input(t, role, patches)).collect();
        case.check(op, &inputs, patches, &["out"]);
    }
}

#[test]
fn local_means_and_gates() {
    let golden = Golden::read("operators.safetensors");
    for name in ["box_mean", "box_mean_2x2"] {
        let (mut case, patches) = (Case::new(&golden, name), patches_of(name));
        let x = case.feature("x", patches);
        let mean = |axis, window| Op::BoxMean(BoxMean { axis, window, prelu: None });
        let half = case.graph.push("rows", mean(Axis::Rows, 5), &[x], patches).unwrap();
        case.check(mean(Axis::Columns, 8), &[half], patches, &["out"]);
    }
    let mut case = Case::new(&golden, "gate_by_map");
    let inputs = ["a", "m", "x"].map(|tensor| case.feature(tensor, Patches::WHOLE));
    case.check(Op::SigmoidGate, &inputs, Patches::WHOLE, &["out"]);
}

#[test]
fn supervised_attention_module() {
    let golden = Golden::read("operators.safetensors");
    let mut case = Case::new(&golden, "sam");
    let inputs = [case.feature("x", Patches::WHOLE), case.input("image", Role::Image, Patches::WHOLE)];
    let sam = Sam {
        features: case.param("conv1_w"),
        features_bias: Some(case.param("conv1_b")),
        image: case.param("conv2_w"),
        image_bias: Some(case.param("conv2_b")),
        gate: case.param("conv3_w"),
        gate_bias: Some(case.param("conv3_b")),
        emit_image: true,
    };
    case.check(Op::Sam(sam), &inputs, Patches::WHOLE, &["features", "out_image"]);
}

#[test]
fn channel_attention() {
    let golden = Golden::read("operators.safetensors");
    for name in ["attention_1x1", "attention_2x1", "attention_2x2"] {
        let patches = patches_of(name);
        let mut case = Case::new(&golden, name);
        let (r, skip) = (case.feature("x", patches), case.feature("skip", patches));
        let desc = case.graph.desc(r);
        let attention = Attention {
            squeeze: case.param("w1"),
            squeeze_bias: Some(case.param("b1")),
            excite: case.param("w2"),
            excite_bias: Some(case.param("b2")),
            area: u64::from(desc.patch_height()) * u64::from(desc.patch_width()),
        };
        let cells = case.graph.push("cells", Op::PoolCells, &[r], patches).unwrap();
        let rows = case.graph.push("rows", Op::PoolRows, &[cells], patches).unwrap();
        let gates = case.graph.push("gates", Op::Attention(attention), &[rows], patches).unwrap();
        case.check(Op::Gate, &[r, skip, gates], patches, &["out"]);
    }
}

#[test]
fn eight_bit_pixels() {
    let golden = Golden::read("operators.safetensors");
    let desc =
        |channels, height, width, role| TensorDesc { channels, height, width, patches: Patches::WHOLE, role };
    let run = |op: Op, desc: TensorDesc, input: Values| {
        let mut graph = Graph::new();
        let x = graph.add_input("x", desc);
        let out = graph.push("result", op, &[x], Patches::WHOLE).unwrap();
        graph.mark_output(out);
        execute(&graph, &[input], &ExecutorOptions::default()).remove(0)
    };
    let pixels = golden.values("rgba8/x");
    let words =
        pixels.chunks_exact(3).map(|p| p[0] as u32 | (p[1] as u32) << 8 | (p[2] as u32) << 16).collect();
    let image = run(Op::Unpack, desc(1, 13, 22, Role::Words), Values::Words(words));
    // Division by 255 may be off by one unit in the last place on a GPU.
    assert_close("rgba8/out", planar(&image), golden.values("rgba8/out"), 1e-7);
    // The same values in all three channels.
    let values = golden.values("quantize/x");
    let width = values.len() as u32;
    let planes = Values::Planar([values, values, values].concat());
    let Values::Words(words) = run(Op::Pack, desc(3, 1, width, Role::Image), planes) else { panic!("words") };
    for (i, (word, &expected)) in words.iter().zip(golden.values("quantize/out")).enumerate() {
        let bytes = word.to_le_bytes();
        assert!(
            bytes[..3].iter().all(|&b| f32::from(b) == expected),
            "{} gives {bytes:?}, not {expected}",
            values[i]
        );
    }
}
