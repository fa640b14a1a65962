//! Shapes of an operator's outputs from its inputs; the reason in words where they do not fit.

use super::{
    Attention, Axis, BoxMean, Conv, Graph, KernelSize, MAX_CHANNELS, Op, Param, ParamId, Patches,
    PixelFormat, Role, Sam, TensorDesc, TensorId,
};

type Inferred = std::result::Result<Vec<TensorDesc>, String>;

/// The outputs' shapes.
pub(super) fn outputs(graph: &Graph, op: &Op, inputs: &[TensorId], patches: Patches) -> Inferred {
    let descs: Vec<TensorDesc> = inputs.iter().map(|&id| graph.desc(id)).collect();
    let x = *descs.first().ok_or("no input")?;
    expect_inputs(op, descs.len())?;
    descs.iter().try_for_each(fits_patches)?;
    let feature = TensorDesc { patches, role: Role::Feature, ..x };
    let same = TensorDesc { patches, ..x };
    let descs = match op {
        Op::Unpack => vec![unpacked(&same)?],
        Op::Pack => vec![packed(&same)?],
        Op::ReadPixels { format, width } => vec![pixels_read(*format, *width, &same)?],
        Op::WritePixels { format, .. } => vec![pixels_written(*format, &descs, patches)?],
        Op::Pad { height, width, unpack } => vec![pad_output(*height, *width, *unpack, &same)?],
        Op::Crop { height, width, pack } => vec![crop_output(*height, *width, *pack, &same)?],
        Op::PixelUnshuffle { factor } => vec![unshuffled(*factor, &same)?],
        Op::PixelShuffle { factor } => vec![shuffled(*factor, &same)?],
        Op::Concat => {
            same_sides(&descs)?;
            same_roles(&descs)?;
            vec![TensorDesc { channels: x.channels + descs[1].channels, ..feature }]
        }
        Op::Conv(conv) => conv_outputs(graph, conv, &descs, patches)?,
        Op::Prelu { .. } => vec![same],
        Op::Add => {
            equal(&x, &descs[1])?;
            let role = if descs[1].role == Role::Image { Role::Image } else { x.role };
            vec![TensorDesc { role, ..same }]
        }
        Op::Downsample => {
            ensure(divides(2, &x), || format!("{x} has an odd side"))?;
            vec![TensorDesc { height: x.height / 2, width: x.width / 2, ..feature }]
        }
        Op::Upsample { residual } => vec![upsampled(residual.then(|| descs[1]), &same)?],
        Op::PoolCells => {
            fits_patches(&same)?;
            vec![same.cells()]
        }
        Op::PoolRows => vec![TensorDesc { width: x.patches.cols, ..x }],
        Op::Attention(attention) => {
            check_attention(graph, attention, x.channels)?;
            vec![TensorDesc { height: x.patches.rows, width: x.patches.cols, ..x }]
        }
        Op::Gate => {
            equal(&x, &descs[1])?;
            are_gates(&descs[2], &same)?;
            vec![feature]
        }
        Op::BoxMean(mean) => vec![box_means(mean, &same)?],
        Op::SigmoidGate => {
            is_map(&descs[1], &same)?;
            equal(&x, &descs[2])?;
            same_roles(&descs[..2])?;
            vec![feature]
        }
        Op::Sam(sam) => sam_outputs(graph, sam, &descs, patches)?,
    };
    descs.iter().try_for_each(fits_patches)?;
    Ok(descs)
}

fn expect_inputs(op: &Op, count: usize) -> std::result::Result<(), String> {
    let range = match op {
        Op::Conv(conv) => {
            let residual = usize::from(conv.epilogue == super::Epilogue::Residual);
            1 + residual..=2 + residual
        }
        Op::Concat | Op::Add | Op::Sam(_) | Op::WritePixels { .. } | Op::Upsample { residual: true } => 2..=2,
        Op::Gate | Op::SigmoidGate => 3..=3,
        _ => 1..=1,
    };
    ensure(range.contains(&count), || format!("{count} inputs where {range:?} are taken"))
}

fn unshuffled(r: u32, x: &TensorDesc) -> std::result::Result<TensorDesc, String> {
    ensure(is_factor(r) && divides(r, x), || format!("{x} does not divide by {r}"))?;
    let (channels, height, width) = (x.channels * r * r, x.height / r, x.width / r);
    Ok(TensorDesc { channels, height, width, role: Role::Image, ..*x })
}

fn shuffled(r: u32, x: &TensorDesc) -> std::result::Result<TensorDesc, String> {
    ensure(is_factor(r) && x.channels.is_multiple_of(r * r), || {
        format!("{x} has no channels for a shuffle of {r}")
    })?;
    let (channels, height, width) = (x.channels / (r * r), x.height * r, x.width * r);
    Ok(TensorDesc { channels, height, width, role: Role::Image, ..*x })
}

fn upsampled(residual: Option<TensorDesc>, x: &TensorDesc) -> std::result::Result<TensorDesc, String> {
    fits_patches(x)?;
    let out = TensorDesc { height: x.height * 2, width: x.width * 2, role: Role::Feature, ..*x };
    let Some(residual) = residual else { return Ok(out) };
    equal(&out, &residual)?;
    Ok(TensorDesc { role: residual.role, ..out })
}

fn are_gates(gates: &TensorDesc, x: &TensorDesc) -> std::result::Result<(), String> {
    let grid = (gates.height, gates.width) == (x.patches.rows, x.patches.cols);
    ensure(grid && gates.channels == x.channels, || format!("gates {gates} for {x}"))
}

fn unpacked(x: &TensorDesc) -> std::result::Result<TensorDesc, String> {
    ensure(x.role == Role::Words && x.channels == 1, || format!("{x} is not made of words"))?;
    Ok(TensorDesc { channels: 3, role: Role::Image, ..*x })
}

fn pixels_read(
    format: PixelFormat,
    width: u32,
    words: &TensorDesc,
) -> std::result::Result<TensorDesc, String> {
    holds(words, format, width)?;
    Ok(TensorDesc { channels: 3, width, role: Role::Image, ..*words })
}

fn pixels_written(
    format: PixelFormat,
    inputs: &[TensorDesc],
    patches: Patches,
) -> std::result::Result<TensorDesc, String> {
    let (x, words) = (inputs[0], inputs[1]);
    ensure(x.role == Role::Image && x.channels == 3, || format!("{x} is no image of three colours"))?;
    ensure(x.height == words.height, || format!("{x} and {words} differ in their rows"))?;
    holds(&words, format, x.width)?;
    Ok(TensorDesc { patches, ..words })
}

/// Whether words are rows of so many pixels at least.
fn holds(words: &TensorDesc, format: PixelFormat, width: u32) -> std::result::Result<(), String> {
    let each = format.words();
    let pixels = words.role == Role::Words && words.channels == 1 && words.width.is_multiple_of(each);
    ensure(pixels && words.width / each >= width, || {
        format!("{words} holds no rows of {width} pixels of {each} words")
    })
}

fn packed(x: &TensorDesc) -> std::result::Result<TensorDesc, String> {
    ensure(x.channels == 3, || format!("{} channels where 3 are packed", x.channels))?;
    Ok(TensorDesc { channels: 1, role: Role::Words, ..*x })
}

fn pad_output(
    height: u32,
    width: u32,
    unpack: bool,
    x: &TensorDesc,
) -> std::result::Result<TensorDesc, String> {
    let image = if unpack { unpacked(x)? } else { *x };
    are_pixels(&image)?;
    ensure(height >= x.height && width >= x.width, || format!("{x} is larger than {height}x{width}"))?;
    Ok(TensorDesc { height, width, ..image })
}

fn crop_output(
    height: u32,
    width: u32,
    pack: bool,
    x: &TensorDesc,
) -> std::result::Result<TensorDesc, String> {
    are_pixels(x)?;
    ensure(height <= x.height && width <= x.width, || format!("{x} is smaller than {height}x{width}"))?;
    let corner = TensorDesc { height, width, ..*x };
    if pack { packed(&corner) } else { Ok(corner) }
}

/// Words would need kernels of their own, and rows of sums are no rows of pixels.
fn are_pixels(x: &TensorDesc) -> std::result::Result<(), String> {
    ensure(matches!(x.role, Role::Image | Role::Feature), || format!("{x} is no image"))
}

fn conv_outputs(graph: &Graph, conv: &Conv, inputs: &[TensorDesc], patches: Patches) -> Inferred {
    let residual = conv.epilogue == super::Epilogue::Residual;
    let (sources, rest) = inputs.split_at(inputs.len() - usize::from(residual));
    same_sides(sources)?;
    same_roles(sources)?;
    let plain = conv.kernel == KernelSize::Three && !conv.halve;
    ensure(plain || !conv.pooled, || "only a plain 3x3 convolution pools its result".to_owned())?;
    let halvable = conv.kernel == KernelSize::One && sources.len() == 1;
    ensure(halvable || !conv.halve, || "only a 1x1 convolution of one source reads at half size".to_owned())?;
    let x = sources[0];
    let side = conv.kernel.side() as usize;
    let channels_in: u32 = sources.iter().map(|s| s.channels).sum();
    let out = rows_of(graph, conv.weight, channels_in, side)?;
    check_bias(graph, conv.bias, out)?;
    if conv.halve {
        ensure(divides(2, &x), || format!("{x} has an odd side"))?;
    }
    let scale = if conv.halve { 2 } else { 1 };
    let mut desc = TensorDesc {
        channels: out,
        height: x.height / scale,
        width: x.width / scale,
        patches,
        role: Role::Feature,
    };
    if let Some(added) = rest.first() {
        equal(&desc, added)?;
        desc.role = added.role;
    }
    Ok(if conv.pooled { vec![desc, desc.cells()] } else { vec![desc] })
}

fn check_attention(graph: &Graph, attention: &Attention, channels: u32) -> std::result::Result<(), String> {
    let hidden = rows_of(graph, attention.squeeze, channels, 1)?;
    let out = rows_of(graph, attention.excite, hidden, 1)?;
    check_bias(graph, attention.squeeze_bias, hidden)?;
    check_bias(graph, attention.excite_bias, out)?;
    let fits = out == channels && channels.max(hidden) <= MAX_CHANNELS && attention.area > 0;
    ensure(fits, || format!("{channels} channels, {hidden} hidden ones and {out} gates do not go together"))
}

fn box_means(mean: &BoxMean, x: &TensorDesc) -> std::result::Result<TensorDesc, String> {
    fits_patches(x)?;
    let side = if mean.axis == Axis::Rows { x.patch_height() } else { x.patch_width() };
    let fits = (1..=side).contains(&mean.window);
    ensure(fits, || {
        format!("a window of {} in patches of {}x{}", mean.window, x.patch_height(), x.patch_width())
    })?;
    let places = side - mean.window + 1;
    let means = TensorDesc { role: Role::Feature, ..*x };
    Ok(match mean.axis {
        Axis::Rows => TensorDesc { height: places * x.patches.rows, ..means },
        Axis::Columns => TensorDesc { width: places * x.patches.cols, ..means },
    })
}

/// A value of every pixel, or of every window that slides over a patch.
fn is_map(map: &TensorDesc, x: &TensorDesc) -> std::result::Result<(), String> {
    fits_patches(x)?;
    let whole = (map.height, map.width) == (x.height, x.width);
    let sliding = map.patches == x.patches
        && map.patch_height() <= x.patch_height()
        && map.patch_width() <= x.patch_width();
    ensure(map.channels == x.channels && (whole || sliding), || format!("a map {map} for {x}"))
}

fn sam_outputs(graph: &Graph, sam: &Sam, inputs: &[TensorDesc], patches: Patches) -> Inferred {
    let (x, image) = (inputs[0], inputs[1]);
    same_sides(inputs)?;
    ensure(image.role == Role::Image, || format!("{image} is no image"))?;
    let features = rows_of(graph, sam.features, x.channels, 1)?;
    let residual = rows_of(graph, sam.image, x.channels, 1)?;
    let gate = rows_of(graph, sam.gate, image.channels, 1)?;
    ensure(features == x.channels && gate == x.channels && residual == image.channels, || {
        format!("conv1, conv2, conv3 give {features}, {residual}, {gate} channels for {x} and {image}")
    })?;
    for (bias, len) in [(sam.features_bias, features), (sam.image_bias, residual), (sam.gate_bias, gate)] {
        check_bias(graph, bias, len)?;
    }
    let mut outputs = vec![TensorDesc { patches, role: Role::Feature, ..x }];
    if sam.emit_image {
        outputs.push(TensorDesc { patches, role: Role::Image, ..image });
    }
    Ok(outputs)
}

/// Output channels of a convolution's weights, once its other sides are as expected.
fn rows_of(graph: &Graph, weight: ParamId, channels: u32, side: usize) -> std::result::Result<u32, String> {
    let param = graph.param(weight);
    match param.shape[..] {
        [out, inner, h, w] if inner == channels as usize && h == side && w == side => {
            whole(param)?;
            u32::try_from(out).map_err(|e| e.to_string())
        }
        _ => Err(format!("{} is {:?} where [_, {channels}, {side}, {side}] fits", param.name, param.shape)),
    }
}

fn check_bias(graph: &Graph, bias: Option<ParamId>, len: u32) -> std::result::Result<(), String> {
    let Some(bias) = bias else { return Ok(()) };
    let param = graph.param(bias);
    ensure(param.shape == [len as usize], || {
        format!("{} is {:?} where [{len}] fits", param.name, param.shape)
    })?;
    whole(param)
}

fn whole(param: &Param) -> std::result::Result<(), String> {
    let count = param.data.len();
    ensure(count == param.shape.iter().product::<usize>(), || {
        format!("{} has {count} values for a shape of {:?}", param.name, param.shape)
    })
}

/// The factors that networks have, and that the margins of fragments allow for.
fn is_factor(factor: u32) -> bool {
    matches!(factor, 2 | 4)
}

fn divides(factor: u32, x: &TensorDesc) -> bool {
    factor > 0 && x.height.is_multiple_of(factor) && x.width.is_multiple_of(factor)
}

fn fits_patches(desc: &TensorDesc) -> std::result::Result<(), String> {
    let Patches { rows, cols } = desc.patches;
    let fits = rows > 0 && cols > 0 && desc.height.is_multiple_of(rows) && desc.width.is_multiple_of(cols);
    ensure(fits && desc.elements() > 0, || format!("{desc} does not divide into {rows}x{cols} patches"))
}

fn equal(a: &TensorDesc, b: &TensorDesc) -> std::result::Result<(), String> {
    let fits = (a.channels, a.height, a.width) == (b.channels, b.height, b.width);
    ensure(fits, || format!("{a} and {b} differ"))
}

fn same_sides(descs: &[TensorDesc]) -> std::result::Result<(), String> {
    let (a, b) = (descs[0], descs[descs.len() - 1]);
    ensure((a.height, a.width) == (b.height, b.width), || format!("{a} and {b} differ in their sides"))
}

/// Kernels read all sources of an operator as one type.
fn same_roles(descs: &[TensorDesc]) -> std::result::Result<(), String> {
    let (a, b) = (descs[0], descs[descs.len() - 1]);
    ensure(a.role == b.role, || format!("{a} and {b} are stored in different ways"))
}

fn ensure(holds: bool, reason: impl FnOnce() -> String) -> std::result::Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}
