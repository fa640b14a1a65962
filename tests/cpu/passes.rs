//! The passes are exact on any graph: random ones, and whole networks.

use mprnet::graph::passes::{self, ALL};
use mprnet::graph::{
    Attention, Axis, BoxMean, Graph, KernelSize, Op, Patches, Role, TensorDesc, TensorId, cost, cpu,
};
use mprnet::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};
use proptest::prelude::*;

use crate::common::{Random, feature, relative_l2};

/// Narrow enough to be executed on the CPU in an instant, and no width a multiple of eight.
pub const TINY: ModelConfig =
    ModelConfig { n_feat: 6, scale_unetfeats: 3, scale_orsnetfeats: 4, num_cab: 2, reduction: 2, shuffle: 1 };

/// Both sides are computed in f64. Products of weights are rounded to f32 once, which moves each by 2^-24 of
/// itself (6e-8), and rewrites build on each other's products; nothing else differs.
const BOUND: f64 = 1e-6;

/// A graph in the making, with random weights.
pub struct Toy {
    pub graph: Graph,
    pub random: Random,
    pub patches: Patches,
}

impl Toy {
    pub fn new(seed: u64) -> Self {
        Self { graph: Graph::new(), random: Random::new(seed), patches: Patches::WHOLE }
    }

    pub fn input(&mut self, channels: u32) -> TensorId {
        self.graph.add_input("input", feature(channels, 16, 16, Patches::WHOLE))
    }

    pub fn image(&mut self) -> TensorId {
        let desc = TensorDesc { role: Role::Image, ..feature(3, 16, 16, Patches::WHOLE) };
        self.graph.add_input("image", desc)
    }

    /// Applies an operator if it fits.
    fn attempt(&mut self, op: Op, inputs: &[TensorId]) -> Option<TensorId> {
        let name = format!("{}{}", op.name(), self.graph.nodes().len());
        self.graph.push(&name, op, inputs, self.patches).ok()
    }

    pub fn op(&mut self, op: Op, inputs: &[TensorId]) -> TensorId {
        self.attempt(op, inputs).expect("it fits")
    }

    fn conv(&mut self, kernel: KernelSize, x: TensorId, out: u32) -> TensorId {
        let channels = self.graph.desc(x).channels as usize;
        let bias = self.random.below(2) == 0;
        let conv = self.random.conv(&mut self.graph, kernel, out as usize, channels, bias);
        self.op(Op::Conv(conv), &[x])
    }

    pub fn conv1(&mut self, x: TensorId, out: u32) -> TensorId {
        self.conv(KernelSize::One, x, out)
    }

    pub fn conv3(&mut self, x: TensorId, out: u32) -> TensorId {
        self.conv(KernelSize::Three, x, out)
    }

    pub fn up(&mut self, x: TensorId) -> TensorId {
        self.op(Op::Upsample { residual: false }, &[x])
    }

    pub fn add(&mut self, a: TensorId, b: TensorId) -> TensorId {
        self.op(Op::Add, &[a, b])
    }

    pub fn prelu(&mut self, x: TensorId) -> TensorId {
        self.op(Op::Prelu { slope: 0.2 }, &[x])
    }

    pub fn cab(&mut self, x: TensorId) -> TensorId {
        let desc = self.graph.desc(x);
        let n = desc.channels as usize;
        let r = self.conv3(x, desc.channels);
        let r = self.prelu(r);
        let r = self.conv3(r, desc.channels);
        let cells = self.op(Op::PoolCells, &[r]);
        let rows = self.op(Op::PoolRows, &[cells]);
        let squeeze = self.random.param(&mut self.graph, "squeeze", &[2, n, 1, 1]);
        let excite = self.random.param(&mut self.graph, "excite", &[n, 2, 1, 1]);
        let area = desc.pixels() / u64::from(self.patches.rows * self.patches.cols);
        let attention = Attention { squeeze, squeeze_bias: None, excite, excite_bias: None, area };
        let gates = self.op(Op::Attention(attention), &[rows]);
        self.op(Op::Gate, &[r, x, gates])
    }

    /// The same by means of windows.
    pub fn local_cab(&mut self, x: TensorId, [rows, columns]: [u32; 2]) -> TensorId {
        let desc = self.graph.desc(x);
        let r = self.conv3(x, desc.channels);
        let r = self.prelu(r);
        let r = self.conv3(r, desc.channels);
        let mean = |axis, window| Op::BoxMean(BoxMean { axis, window, prelu: None });
        let means = self.op(mean(Axis::Rows, rows), &[r]);
        let means = self.op(mean(Axis::Columns, columns), &[means]);
        let hidden = self.conv1(means, 2);
        let hidden = self.op(Op::Prelu { slope: 0.0 }, &[hidden]);
        let map = self.conv1(hidden, desc.channels);
        self.op(Op::SigmoidGate, &[r, map, x])
    }

    /// Gives the gated features, and the three tensors within: features, image and map.
    pub fn sam(&mut self, x: TensorId, image: TensorId) -> (TensorId, [TensorId; 3]) {
        let (n, m) = (self.graph.desc(x).channels, self.graph.desc(image).channels);
        let features = self.conv1(x, n);
        let residual = self.conv1(x, m);
        let sum = self.add(residual, image);
        let map = self.conv1(sum, n);
        (self.op(Op::SigmoidGate, &[features, map, x]), [features, sum, map])
    }

    /// One more operator, or block of them, on some of the last tensors; none where nothing fits.
    fn grow(&mut self, pool: &mut Vec<TensorId>, images: &mut Vec<TensorId>, step: &Step) {
        self.patches = [Patches::WHOLE, Patches::HALVES, Patches::QUARTERS][usize::from(step.grid)];
        let recent = |pick: u16, of: &[TensorId]| of[of.len() - 1 - usize::from(pick) % of.len().min(4)];
        let x = recent(step.pick, pool);
        let desc = self.graph.desc(x);
        let alike = |same: &dyn Fn(TensorDesc) -> bool| {
            let others: Vec<_> = pool.iter().copied().filter(|&t| same(self.graph.desc(t))).collect();
            recent(step.other, &others)
        };
        let same_sides = alike(&|d| d.height == desc.height);
        let same_shape = alike(&|d| (d.height, d.channels) == (desc.height, desc.channels));
        let out = 4 + u32::from(step.other % 3) * 2;
        let made = match step.kind {
            0..=2 => Some(self.conv1(x, out)),
            3 => Some(self.conv3(x, out)),
            4 if desc.height <= 16 => Some(self.up(x)),
            5 if desc.height >= 8 => self.attempt(Op::Downsample, &[x]),
            6..=8 => Some(self.add(x, same_shape)),
            9 if desc.channels <= 16 => Some(self.op(Op::Concat, &[x, same_sides])),
            10 => Some(self.prelu(x)),
            11 => Some(self.cab(x)),
            14 => {
                let sides = [desc.height / self.patches.rows, desc.width / self.patches.cols];
                let windows = sides.map(|side| 1 + self.random.below(side));
                Some(self.local_cab(x, windows))
            }
            12 => {
                let image = recent(step.pick, images);
                Some(self.conv1(image, out))
            }
            13 if desc.height == 16 => {
                let image = recent(step.other, images);
                let (gated, [_, sum, _]) = self.sam(x, image);
                images.push(sum);
                Some(gated)
            }
            _ => None,
        };
        pool.extend(made);
    }
}

/// What a random graph grows by: kind of operator, patch grid, and which tensors it takes.
#[derive(Clone, Debug)]
pub struct Step {
    kind: u8,
    grid: u8,
    pick: u16,
    other: u16,
    wanted: bool,
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let grid = prop_oneof![6 => Just(0_u8), 1 => 1..3_u8];
    let wanted = prop::bool::weighted(0.15);
    let step = (0..15_u8, grid, any::<u16>(), any::<u16>(), wanted)
        .prop_map(|(kind, grid, pick, other, wanted)| Step { kind, grid, pick, other, wanted });
    prop::collection::vec(step, 3..24)
}

pub fn grown(seed: u64, steps: &[Step]) -> Graph {
    let mut toy = Toy::new(seed);
    let mut pool = vec![toy.input(4), toy.input(6)];
    let mut images = vec![toy.image()];
    for step in steps {
        toy.grow(&mut pool, &mut images, step);
        if step.wanted {
            toy.graph.mark_output(pool[pool.len() - 1]);
        }
    }
    toy.graph.mark_output(pool[pool.len() - 1]);
    toy.graph.mark_output(images[images.len() - 1]);
    toy.graph
}

pub fn outputs(graph: &Graph) -> Vec<Vec<f32>> {
    let mut random = Random::new(9);
    let mut values = |id: &TensorId| {
        let count = graph.desc(*id).elements() as usize;
        random.values(count).into_iter().map(f64::from).collect()
    };
    let inputs: Vec<Vec<f64>> = graph.inputs().iter().map(&mut values).collect();
    let values = cpu::run(graph, &inputs).unwrap();
    graph.outputs().iter().map(|id| values[id].data.iter().map(|&v| v as f32).collect()).collect()
}

fn nodes(graph: &Graph) -> Vec<(Op, Vec<TensorId>, Vec<TensorId>)> {
    graph.nodes().iter().map(|n| (n.op, n.inputs.clone(), n.outputs.clone())).collect()
}

/// Every operator gives the shapes, grids and roles that its results have: what passes made, a caller could.
fn sound(graph: &Graph) {
    let mut again = graph.clone();
    for node in graph.nodes() {
        let patches = graph.desc(node.outputs[0]).patches;
        again.push("again", node.op, &node.inputs, patches).unwrap();
        let copy = again.nodes().last().unwrap();
        let descs = |ids: &[TensorId]| ids.iter().map(|&t| again.desc(t)).collect::<Vec<_>>();
        assert_eq!(descs(&copy.outputs), descs(&node.outputs), "{}", node.op.name());
    }
}

/// Each pass alone and all of them leave every output as it was, with no more operators or arithmetic than
/// before; and there is nothing left to do after one round.
pub fn check(graph: &Graph) {
    let expected = outputs(graph);
    // Means of fewer channels may take more multiply-adds than they save, and then save more memory.
    let local = graph.nodes().iter().any(|n| matches!(n.op, Op::BoxMean(_)));
    let of_node = if local { cost::work } else { cost::multiply_adds };
    let arithmetic = |g: &Graph| g.nodes().iter().map(|n| of_node(g, n)).sum::<u64>();
    let optimized = passes::optimize(graph.clone()).unwrap();
    let alone = ALL.iter().map(|pass| {
        let mut one = graph.clone();
        pass.run(&mut one).unwrap();
        (pass.name, one)
    });
    for (name, rewritten) in alone.chain([("all passes", optimized.clone())]) {
        sound(&rewritten);
        assert_eq!(rewritten.outputs(), graph.outputs(), "{name}");
        assert!(rewritten.nodes().len() <= graph.nodes().len(), "{name} adds operators");
        assert!(arithmetic(&rewritten) <= arithmetic(graph), "{name} adds arithmetic");
        for (i, (actual, expected)) in outputs(&rewritten).iter().zip(&expected).enumerate() {
            let error = relative_l2(actual, expected);
            assert!(error <= BOUND, "{name}, output {i}: relative L2 error {error:.3e}");
        }
    }
    assert_eq!(nodes(&passes::optimize(optimized.clone()).unwrap()), nodes(&optimized), "a second round");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs_compute_the_same(seed: u64, steps in steps()) {
        check(&grown(seed, &steps));
    }
}

#[test]
fn networks_compute_the_same() {
    for shuffle in [1, 2, 4] {
        let weights = Weights::seeded(ModelConfig { shuffle, ..TINY }, 3);
        for keep in [vec![], vec!["stage1", "sam12", "stage1_encoder.1", "stage2", "concat23"]] {
            let keep = keep.into_iter().map(str::to_owned).collect();
            let (height, width) = (16 * shuffle, 24 * shuffle);
            let options = NetworkOptions {
                height,
                width,
                format: ImageFormat::Planar,
                stage: Stage::Three,
                mode: Mode::Global,
                keep,
            };
            check(&model::build(&weights, &options).unwrap());
            let local = Mode::Local { train_size: Some(8 * shuffle) };
            check(&model::build(&weights, &NetworkOptions { mode: local, ..options }).unwrap());
        }
    }
}
