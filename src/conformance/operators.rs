//! Every operator of a graph, at small shapes that leave no case out: patches, partial cells, channels that fill no
//! quad.

use crate::Result;
use crate::graph::{
    Attention, Axis, BoxMean, Conv, Epilogue, Graph, KernelSize, Op, Param, ParamId, Patches, PixelFormat,
    Role, Sam, TensorDesc, TensorId,
};
use crate::model::normal_values;
use crate::specimen::Specimen;

/// Rows and columns: patches of 18 by 22 and 9 by 11 pixels, cells cut short in each.
const SIZE: [u32; 2] = [18, 22];
const SLOPE: f32 = 0.2;

/// A graph that grows.
struct Builder {
    graph: Graph,
    patches: Patches,
}

/// Every operator with what it is called. 3x3 convolutions are those of the rule.
pub(super) fn all() -> Result<Vec<(String, Specimen)>> {
    let mut found = Vec::new();
    for patches in [Patches::WHOLE, Patches::QUARTERS] {
        found.extend(convolutions(patches)?);
        found.extend(elementwise(patches)?);
        found.push(named("channel attention", patches, attention(patches)?));
        found.extend(local_attention(patches)?);
    }
    found.extend(images()?);
    Ok(found)
}

fn named(name: &str, patches: Patches, specimen: Specimen) -> (String, Specimen) {
    let where_ = if patches == Patches::WHOLE { String::new() } else { " in 2x2 patches".to_owned() };
    (format!("{name}{where_}"), specimen)
}

impl Builder {
    fn new(patches: Patches) -> Self {
        Self { graph: Graph::new(), patches }
    }

    fn input(&mut self, channels: u32, [height, width]: [u32; 2], role: Role) -> TensorId {
        let name = format!("x{}", self.graph.inputs().len());
        self.graph.add_input(&name, TensorDesc { channels, height, width, patches: self.patches, role })
    }

    fn feature(&mut self, channels: u32) -> TensorId {
        self.input(channels, SIZE, Role::Feature)
    }

    fn param(&mut self, name: &str, shape: &[usize]) -> ParamId {
        let data = normal_values(name, shape);
        self.graph.add_param(Param { name: name.to_owned(), shape: shape.to_vec(), data })
    }

    fn push(&mut self, op: Op, inputs: &[TensorId]) -> Result<TensorId> {
        let name = format!("y{}", self.graph.nodes().len());
        self.graph.push(&name, op, inputs, self.patches)
    }

    fn specimen(self) -> Specimen {
        Specimen::of(self.graph)
    }
}

/// A convolution: kernel, its sources' channels, outputs, what follows, whether sources are halved, whether sums are
/// taken.
type ConvCase = (&'static str, KernelSize, &'static [u32], usize, Epilogue, bool, bool);

fn convolutions(patches: Patches) -> Result<Vec<(String, Specimen)>> {
    let (three, one) = (KernelSize::Three, KernelSize::One);
    let cases: [ConvCase; 8] = [
        ("conv3x3 5->7", three, &[5], 7, Epilogue::None, false, false),
        ("conv3x3 40->16 + sums", three, &[40], 16, Epilogue::None, false, true),
        ("conv3x3 12->17 + prelu", three, &[12], 17, Epilogue::Prelu(SLOPE), false, false),
        ("conv3x3 8->33 + residual", three, &[8], 33, Epilogue::Residual, false, false),
        ("conv3x3 6+9->10", three, &[6, 9], 10, Epilogue::None, false, false),
        ("conv1x1 40->9", one, &[40], 9, Epilogue::None, false, false),
        ("conv1x1 6+9->10 + residual", one, &[6, 9], 10, Epilogue::Residual, false, false),
        ("conv1x1 6->10 at half size", one, &[6], 10, Epilogue::None, true, false),
    ];
    cases.into_iter().map(|case| Ok(named(case.0, patches, convolution(patches, case)?))).collect()
}

fn convolution(patches: Patches, case: ConvCase) -> Result<Specimen> {
    let (_, kernel, sources, outputs, epilogue, halve, pooled) = case;
    let mut b = Builder::new(patches);
    let size = if halve { SIZE.map(|side| 2 * side) } else { SIZE };
    let mut inputs: Vec<TensorId> = sources.iter().map(|&c| b.input(c, size, Role::Feature)).collect();
    if epilogue == Epilogue::Residual {
        inputs.push(b.feature(outputs as u32));
    }
    let channels: u32 = sources.iter().sum();
    let side = kernel.side() as usize;
    let weight = b.param("weight", &[outputs, channels as usize, side, side]);
    let bias = Some(b.param("bias", &[outputs]));
    b.push(Op::Conv(Conv { halve, epilogue, pooled, ..Conv::new(kernel, weight, bias) }), &inputs)?;
    Ok(b.specimen())
}

fn elementwise(patches: Patches) -> Result<Vec<(String, Specimen)>> {
    let double = SIZE.map(|side| 2 * side);
    let ops: [(&str, Op, &[[u32; 2]]); 9] = [
        ("prelu", Op::Prelu { slope: SLOPE }, &[SIZE]),
        ("add", Op::Add, &[SIZE; 2]),
        ("concat", Op::Concat, &[SIZE; 2]),
        ("sigmoid_gate", Op::SigmoidGate, &[SIZE; 3]),
        ("downsample", Op::Downsample, &[double]),
        ("upsample", Op::Upsample { residual: false }, &[SIZE]),
        ("upsample + residual", Op::Upsample { residual: true }, &[SIZE, double]),
        ("pool_cells", Op::PoolCells, &[SIZE]),
        ("gate", Op::Gate, &[SIZE, SIZE, [patches.rows, patches.cols]]),
    ];
    let made = ops.into_iter().map(|(name, op, sizes)| {
        let mut b = Builder::new(patches);
        let role = |i: usize| if op == Op::Gate && i == 2 { Role::Pooled } else { Role::Feature };
        let inputs: Vec<TensorId> =
            sizes.iter().enumerate().map(|(i, &size)| b.input(10, size, role(i))).collect();
        b.push(op, &inputs)?;
        Ok(named(name, patches, b.specimen()))
    });
    made.collect()
}

/// Means of windows along either axis, and the gate by a map of them.
fn local_attention(patches: Patches) -> Result<Vec<(String, Specimen)>> {
    let mean = |axis, window, prelu| Op::BoxMean(BoxMean { axis, window, prelu });
    let mut found = Vec::new();
    for (name, op) in [
        ("box_mean of rows", mean(Axis::Rows, 5, None)),
        ("box_mean of columns", mean(Axis::Columns, 8, None)),
        ("box_mean of columns + prelu", mean(Axis::Columns, 8, Some(0.0))),
    ] {
        let mut b = Builder::new(patches);
        let x = b.feature(10);
        b.push(op, &[x])?;
        found.push(named(name, patches, b.specimen()));
    }
    let mut b = Builder::new(patches);
    let map = [SIZE[0] - 4 * patches.rows, SIZE[1] - 7 * patches.cols];
    let inputs = [SIZE, map, SIZE].map(|size| b.input(40, size, Role::Feature));
    b.push(Op::SigmoidGate, &inputs)?;
    found.push(named("sigmoid_gate by windows", patches, b.specimen()));
    Ok(found)
}

/// Pooling, its two small layers, and the gate.
fn attention(patches: Patches) -> Result<Specimen> {
    let mut b = Builder::new(patches);
    let (r, x) = (b.feature(40), b.feature(40));
    let desc = b.graph.desc(r);
    let attention = Attention {
        squeeze: b.param("squeeze", &[10, 40, 1, 1]),
        squeeze_bias: Some(b.param("squeeze_bias", &[10])),
        excite: b.param("excite", &[40, 10, 1, 1]),
        excite_bias: Some(b.param("excite_bias", &[40])),
        area: u64::from(desc.patch_height()) * u64::from(desc.patch_width()),
    };
    let cells = b.push(Op::PoolCells, &[r])?;
    let rows = b.push(Op::PoolRows, &[cells])?;
    let gates = b.push(Op::Attention(attention), &[rows])?;
    b.push(Op::Gate, &[r, x, gates])?;
    Ok(b.specimen())
}

/// What reads and writes images.
fn images() -> Result<Vec<(String, Specimen)>> {
    let ([height, width], [rows, cols]) = ([32, 32], [9, 21]);
    let ops: [(&str, Op, u32, Role); 10] = [
        ("unpack", Op::Unpack, 1, Role::Words),
        ("pack", Op::Pack, 3, Role::Image),
        ("pad", Op::Pad { height, width, unpack: false }, 3, Role::Image),
        ("unpack + pad", Op::Pad { height, width, unpack: true }, 1, Role::Words),
        ("crop", Op::Crop { height: rows, width: cols, pack: false }, 3, Role::Image),
        ("crop + pack", Op::Crop { height: rows, width: cols, pack: true }, 3, Role::Image),
        ("pixel_unshuffle 2", Op::PixelUnshuffle { factor: 2 }, 3, Role::Image),
        ("pixel_unshuffle 4", Op::PixelUnshuffle { factor: 4 }, 3, Role::Image),
        ("pixel_shuffle 2", Op::PixelShuffle { factor: 2 }, 12, Role::Image),
        ("pixel_shuffle 4", Op::PixelShuffle { factor: 4 }, 48, Role::Image),
    ];
    let mut found = Vec::new();
    for (name, op, channels, role) in ops {
        let mut b = Builder::new(Patches::WHOLE);
        let x = b.input(channels, [16, 28], role);
        b.push(op, &[x])?;
        found.push((name.to_owned(), b.specimen()));
    }
    found.extend(pixels()?);
    found.push(("sam".to_owned(), sam()?));
    Ok(found)
}

/// What reads and writes pixels of the device's own images. Drivers may round to 16 bits as they like, so that such are
/// not written.
fn pixels() -> Result<Vec<(String, Specimen)>> {
    let mut found = Vec::new();
    for format in [PixelFormat::Unorm8, PixelFormat::Float16, PixelFormat::Float32] {
        let (words, width) = ([9, 28 * format.words()], 21);
        let mut b = Builder::new(Patches::WHOLE);
        let x = b.input(1, words, Role::Words);
        b.push(Op::ReadPixels { format, width }, &[x])?;
        found.push((format!("read_pixels {format:?}"), b.specimen()));
        if format != PixelFormat::Float16 {
            let mut b = Builder::new(Patches::WHOLE);
            let (image, own) = (b.input(3, [9, width], Role::Image), b.input(1, words, Role::Words));
            b.push(Op::WritePixels { format, strength: 1.0 }, &[image, own])?;
            found.push((format!("write_pixels {format:?}"), b.specimen()));
        }
    }
    Ok(found)
}

fn sam() -> Result<Specimen> {
    let mut b = Builder::new(Patches::WHOLE);
    let (x, image) = (b.feature(40), b.input(3, SIZE, Role::Image));
    let sam = Sam {
        features: b.param("features", &[40, 40, 1, 1]),
        features_bias: Some(b.param("features_bias", &[40])),
        image: b.param("image", &[3, 40, 1, 1]),
        image_bias: Some(b.param("image_bias", &[3])),
        gate: b.param("gate", &[40, 3, 1, 1]),
        gate_bias: Some(b.param("gate_bias", &[40])),
        emit_image: true,
    };
    b.push(Op::Sam(sam), &[x, image])?;
    Ok(b.specimen())
}
