//! The network of Zamir et al., "Multi-Stage Progressive Image Restoration" (CVPR 2021), call by call. The name
//! of every operator is the checkpoint's key of its weights.

mod edges;

pub use edges::ImageFormat;

use super::mode::Windows;
use super::{Mode, ModelConfig, Weights};
use crate::graph::{
    Attention, Axis, BoxMean, Conv, Graph, KernelSize, Op, Param, ParamId, Patches, TensorDesc, TensorId,
};
use crate::{Error, Result};

/// Pixels of a padded photo at most: a row of as many as are read, padded to eight rows.
const MAX_PIXELS: u64 = 8 * crate::image::MAX_PIXELS;

/// Which stage's image is the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// After the first encoder-decoder, which sees quarters.
    One,
    /// After the second, which sees halves.
    Two,
    /// The whole network.
    #[default]
    Three,
}

impl Stage {
    /// Those whose images are not the whole network's.
    pub const EARLIER: [Self; 2] = [Self::One, Self::Two];

    /// The name of its image in the graph.
    #[must_use]
    pub fn image(self) -> &'static str {
        match self {
            Self::One => "stage1",
            Self::Two => "stage2",
            Self::Three => "stage3",
        }
    }
}

/// What to build.
#[derive(Clone, Debug)]
pub struct NetworkOptions {
    /// Rows of the photo.
    pub height: u32,
    /// Columns of the photo.
    pub width: u32,
    /// How photos enter and leave.
    pub format: ImageFormat,
    /// The result.
    pub stage: Stage,
    /// What the means of channel attention are taken over.
    pub mode: Mode,
    /// Names of further tensors to keep.
    pub keep: Vec<String>,
}

/// The network for photos of one size, which it pads to multiples of [`super::ModelConfig::side_multiple`]. Its first
/// output is the restored photo; what comes with its format, and those of `keep` follow.
///
/// # Errors
/// [`Error::Size`] where a side is zero, or too long to be padded; [`Error::Mode`] where the local mode's windows
/// cannot be made from the size of the training's crops, [`Error::Values`] where the weights' metadata say no size;
/// [`Error::Input`] where there are more than 2^31 pixels; [`Error::UnknownTensor`] where a name to keep is none of the
/// network's.
pub fn build(weights: &Weights, options: &NetworkOptions) -> Result<Graph> {
    let (width, height) = weights.config().padded((options.width, options.height))?;
    if u64::from(height) * u64::from(width) > MAX_PIXELS {
        return Err(Error::Input(format!("{width}x{height} is more than {MAX_PIXELS} pixels")));
    }
    let windows = weights.windows(options.mode, height)?;
    let mut net = Network { graph: Graph::new(), weights, patches: Patches::WHOLE, windows };
    let result = net.mprnet(options, (width, height))?;
    let mut graph = net.graph;
    graph.mark_output(result);
    if let ImageFormat::Pixels { .. } = options.format {
        edges::finite(&mut graph, options.stage)?;
    }
    for name in &options.keep {
        let unknown = || Error::UnknownTensor { name: name.clone() };
        let tensor = graph.find(name).ok_or_else(unknown)?;
        graph.mark_output(tensor);
    }
    Ok(graph)
}

/// One channel attention block on its own, on an input of that shape: for measuring. `params` are its parameters under
/// a checkpoint's keys, with `cab` as the block's place: `cab.body.0.weight`, ...
///
/// # Errors
/// [`Error::MissingKey`]; [`Error::Misshapen`] where the slope is not one value; [`Error::Shape`] where parameters do
/// not fit the input.
pub fn channel_attention_block(params: Vec<Param>, input: TensorDesc) -> Result<Graph> {
    // No configuration has a say in this block.
    let weights = Weights::partial(ModelConfig::DERAIN, params);
    let slope = weights.get("cab.body.1.weight")?;
    if slope.data.len() != 1 {
        let (key, found) = (slope.name.clone(), slope.shape.clone());
        return Err(Error::Misshapen { key, found, expected: "[1]".to_owned() });
    }
    let mut net = Network { graph: Graph::new(), weights: &weights, patches: input.patches, windows: None };
    let x = net.graph.add_input("x", input);
    let y = net.cab("cab", x)?;
    net.graph.mark_output(y);
    Ok(net.graph)
}

struct Network<'a> {
    graph: Graph,
    weights: &'a Weights,
    /// The patch grid of whatever is built next.
    patches: Patches,
    /// What channel attention takes its means over, unless it is the patch.
    windows: Option<Windows>,
}

impl Network<'_> {
    fn mprnet(&mut self, options: &NetworkOptions, padded: (u32, u32)) -> Result<TensorId> {
        let image = self.image_in(options, padded)?;

        self.patches = Patches::QUARTERS;
        let shallow1 = self.shallow("shallow_feat1", image)?;
        let encoded1 = self.encoder("stage1_encoder", shallow1, None)?;
        self.patches = Patches::HALVES;
        let decoded1 = self.decoder("stage1_decoder", encoded1)?;
        let (sam12, image1) = self.sam("sam12", decoded1[0], image)?;
        let stage1 = self.image_out(Stage::One, "sam12.1", image1, options)?;

        let shallow2 = self.shallow("shallow_feat2", image)?;
        let concat12 = self.concat_conv("concat12", shallow2, sam12)?;
        let encoded2 = self.encoder("stage2_encoder", concat12, Some((encoded1, decoded1)))?;
        self.patches = Patches::WHOLE;
        let decoded2 = self.decoder("stage2_decoder", encoded2)?;
        let (sam23, image2) = self.sam("sam23", decoded2[0], image)?;
        let stage2 = self.image_out(Stage::Two, "sam23.1", image2, options)?;

        let shallow3 = self.shallow("shallow_feat3", image)?;
        let concat23 = self.concat_conv("concat23", shallow3, sam23)?;
        let full = self.orsnet("stage3_orsnet", concat23, encoded2, decoded2)?;
        let tail = self.conv3x3("tail", full)?;
        let sum = self.op("tail.sum", Op::Add, &[tail, image])?;
        let stage3 = self.image_out(Stage::Three, "stage3", sum, options)?;
        Ok(match options.stage {
            Stage::One => stage1,
            Stage::Two => stage2,
            Stage::Three => stage3,
        })
    }

    fn shallow(&mut self, key: &str, image: TensorId) -> Result<TensorId> {
        let x = self.conv3x3(&format!("{key}.0"), image)?;
        let x = self.cab(&format!("{key}.1"), x)?;
        self.graph.label(key, x);
        Ok(x)
    }

    /// Channel attention block (figure 4b).
    fn cab(&mut self, key: &str, x: TensorId) -> Result<TensorId> {
        let r = self.conv3x3(&format!("{key}.body.0"), x)?;
        let slope = self.weights.get(&format!("{key}.body.1.weight"))?.data[0];
        let r = self.op(&format!("{key}.body.1"), Op::Prelu { slope }, &[r])?;
        let r = self.conv3x3(&format!("{key}.body.2"), r)?;
        let desc = self.graph.desc(r);
        if let Some(window) = self.windows.and_then(|windows| windows.of(&desc)) {
            return self.gate_by_map(key, r, x, window);
        }
        let cells = self.op(&format!("{key}.CA.cells"), Op::PoolCells, &[r])?;
        let rows = self.op(&format!("{key}.CA.rows"), Op::PoolRows, &[cells])?;
        let (squeeze, squeeze_bias) = self.weights_of(&format!("{key}.CA.conv_du.0"))?;
        let (excite, excite_bias) = self.weights_of(&format!("{key}.CA.conv_du.2"))?;
        let area = u64::from(desc.patch_height()) * u64::from(desc.patch_width());
        let attention = Attention { squeeze, squeeze_bias, excite, excite_bias, area };
        let gates = self.op(&format!("{key}.CA"), Op::Attention(attention), &[rows])?;
        self.op(key, Op::Gate, &[r, x, gates])
    }

    /// Channel attention whose means are those of a window of so many rows and columns around each pixel.
    fn gate_by_map(&mut self, key: &str, r: TensorId, x: TensorId, window: [u32; 2]) -> Result<TensorId> {
        let [rows, columns] =
            window.map(|window| move |axis| Op::BoxMean(BoxMean { axis, window, prelu: None }));
        let means = self.op(&format!("{key}.CA.rows"), rows(Axis::Rows), &[r])?;
        let means = self.op(&format!("{key}.CA.means"), columns(Axis::Columns), &[means])?;
        let hidden = self.conv1x1(&format!("{key}.CA.conv_du.0"), means)?;
        let hidden = self.op(&format!("{key}.CA.conv_du.1"), Op::Prelu { slope: 0.0 }, &[hidden])?;
        let map = self.conv1x1(&format!("{key}.CA.conv_du.2"), hidden)?;
        self.op(key, Op::SigmoidGate, &[r, map, x])
    }

    fn cabs(&mut self, key: &str, count: u32, mut x: TensorId) -> Result<TensorId> {
        for block in 0..count {
            x = self.cab(&format!("{key}.{block}"), x)?;
        }
        Ok(x)
    }

    fn down(&mut self, key: &str, x: TensorId) -> Result<TensorId> {
        let x = self.op(&format!("{key}.down.0"), Op::Downsample, &[x])?;
        self.conv1x1(&format!("{key}.down.1"), x)
    }

    fn up(&mut self, key: &str, x: TensorId) -> Result<TensorId> {
        let x = self.op(&format!("{key}.up.0"), Op::Upsample { residual: false }, &[x])?;
        self.conv1x1(&format!("{key}.up.1"), x)
    }

    fn skip_up(&mut self, key: &str, x: TensorId, y: TensorId) -> Result<TensorId> {
        let x = self.up(key, x)?;
        self.op(key, Op::Add, &[x, y])
    }

    /// Encoder (figure 3a); in stage 2 with cross-stage feature fusion from stage 1's encoder and decoder.
    fn encoder(
        &mut self,
        key: &str,
        x: TensorId,
        stage1: Option<([TensorId; 3], [TensorId; 3])>,
    ) -> Result<[TensorId; 3]> {
        let mut levels = [x; 3];
        let mut x = x;
        for level in 0..3 {
            if level > 0 {
                x = self.down(&format!("{key}.down{}{}", level, level + 1), x)?;
            }
            x = self.cabs(&format!("{key}.encoder_level{}", level + 1), 2, x)?;
            if let Some((encoded, decoded)) = stage1 {
                let e = self.conv1x1(&format!("{key}.csff_enc{}", level + 1), encoded[level])?;
                let d = self.conv1x1(&format!("{key}.csff_dec{}", level + 1), decoded[level])?;
                x = self.add_pair(&format!("{key}.csff{}", level + 1), x, e, d)?;
            }
            self.graph.label(&format!("{key}.{level}"), x);
            levels[level] = x;
        }
        Ok(levels)
    }

    /// Decoder (figure 3a).
    fn decoder(&mut self, key: &str, [e1, e2, e3]: [TensorId; 3]) -> Result<[TensorId; 3]> {
        let d3 = self.cabs(&format!("{key}.decoder_level3"), 2, e3)?;
        let skip2 = self.cab(&format!("{key}.skip_attn2"), e2)?;
        let x = self.skip_up(&format!("{key}.up32"), d3, skip2)?;
        let d2 = self.cabs(&format!("{key}.decoder_level2"), 2, x)?;
        let skip1 = self.cab(&format!("{key}.skip_attn1"), e1)?;
        let x = self.skip_up(&format!("{key}.up21"), d2, skip1)?;
        let d1 = self.cabs(&format!("{key}.decoder_level1"), 2, x)?;
        for (level, d) in [d1, d2, d3].into_iter().enumerate() {
            self.graph.label(&format!("{key}.{level}"), d);
        }
        Ok([d1, d2, d3])
    }

    /// Supervised attention module (figure 5): gated features, and the stage's image.
    fn sam(&mut self, key: &str, x: TensorId, image: TensorId) -> Result<(TensorId, TensorId)> {
        let features = self.conv1x1(&format!("{key}.conv1"), x)?;
        let residual = self.conv1x1(&format!("{key}.conv2"), x)?;
        let stage = self.op(&format!("{key}.image"), Op::Add, &[residual, image])?;
        let map = self.conv1x1(&format!("{key}.conv3"), stage)?;
        let out = self.op(key, Op::SigmoidGate, &[features, map, x])?;
        self.graph.label(&format!("{key}.0"), out);
        Ok((out, stage))
    }

    fn concat_conv(&mut self, key: &str, a: TensorId, b: TensorId) -> Result<TensorId> {
        let x = self.op(&format!("{key}.concat"), Op::Concat, &[a, b])?;
        self.conv3x3(key, x)
    }

    /// Original-resolution block (figure 4a).
    fn orb(&mut self, key: &str, x: TensorId) -> Result<TensorId> {
        let count = self.weights.config().num_cab;
        let r = self.cabs(&format!("{key}.body"), count, x)?;
        let r = self.conv3x3(&format!("{key}.body.{count}"), r)?;
        self.op(key, Op::Add, &[r, x])
    }

    /// Original-resolution subnetwork (figure 4a), fed by stage 2's encoder and decoder at every level.
    fn orsnet(&mut self, key: &str, x: TensorId, e: [TensorId; 3], d: [TensorId; 3]) -> Result<TensorId> {
        let mut x = x;
        for level in 0..3 {
            x = self.orb(&format!("{key}.orb{}", level + 1), x)?;
            let mut sides = [e[level], d[level]];
            for (side, name) in sides.iter_mut().zip(["enc", "dec"]) {
                match level {
                    0 => {}
                    1 => *side = self.up(&format!("{key}.up_{name}1"), *side)?,
                    _ => {
                        for step in 0..2 {
                            *side = self.up(&format!("{key}.up_{name}2.{step}"), *side)?;
                        }
                    }
                }
                *side = self.conv1x1(&format!("{key}.conv_{name}{}", level + 1), *side)?;
            }
            x = self.add_pair(&format!("{key}.fuse{}", level + 1), x, sides[0], sides[1])?;
        }
        self.graph.label(key, x);
        Ok(x)
    }

    /// x + (a + b): in this order because the pair's sum is one matrix product.
    fn add_pair(&mut self, name: &str, x: TensorId, a: TensorId, b: TensorId) -> Result<TensorId> {
        let pair = self.op(&format!("{name}.pair"), Op::Add, &[a, b])?;
        self.op(name, Op::Add, &[x, pair])
    }

    fn conv3x3(&mut self, key: &str, x: TensorId) -> Result<TensorId> {
        self.conv(key, KernelSize::Three, x)
    }

    fn conv1x1(&mut self, key: &str, x: TensorId) -> Result<TensorId> {
        self.conv(key, KernelSize::One, x)
    }

    fn conv(&mut self, key: &str, kernel: KernelSize, x: TensorId) -> Result<TensorId> {
        let (weight, bias) = self.weights_of(key)?;
        self.op(key, Op::Conv(Conv::new(kernel, weight, bias)), &[x])
    }

    fn weights_of(&mut self, key: &str) -> Result<(ParamId, Option<ParamId>)> {
        let weight = self.weights.get(&format!("{key}.weight"))?.clone();
        let bias: Option<Param> = self.weights.get(&format!("{key}.bias")).ok().cloned();
        Ok((self.graph.add_param(weight), bias.map(|b| self.graph.add_param(b))))
    }

    fn op(&mut self, name: &str, op: Op, inputs: &[TensorId]) -> Result<TensorId> {
        self.graph.push(name, op, inputs, self.patches)
    }
}

#[cfg(test)]
mod tests;
