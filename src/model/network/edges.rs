//! How photos enter the network and leave it.

use super::{Network, NetworkOptions, Stage};
use crate::graph::{Graph, Op, Patches, PixelFormat, Role, TensorDesc, TensorId};
use crate::image::Depth;
use crate::{Error, Result};

/// The input of [`ImageFormat::Pixels`].
const PIXELS: &str = "pixels";

/// How photos enter and leave the graph.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ImageFormat {
    /// 8-bit pixels in 32-bit words ([`Role::Words`]).
    Words,
    /// Three planes of floats in [0, 1] ([`Role::Image`]), neither clamped nor rounded on the way out.
    Planar,
    /// Pixels of the device's own images in 32-bit words ([`Role::Words`]), in rows of [`PixelFormat::row`]. Alpha
    /// leaves as it entered. A second output, of the image's sums ([`Op::PoolRows`]), has a number that is not finite
    /// where the image has.
    Pixels {
        /// How they are stored.
        format: PixelFormat,
        /// How far the result goes from the photo to what the network makes of it, 0 to 1.
        strength: f32,
    },
}

impl ImageFormat {
    /// That of photos of the host whose samples have this depth.
    #[must_use]
    pub fn of(depth: Depth) -> Self {
        match depth {
            Depth::U8 => Self::Words,
            Depth::U16 | Depth::F32 => Self::Planar,
        }
    }
}

/// Adds sums of the photo, by which it shows whether all of it is finite.
pub(super) fn finite(graph: &mut Graph, stage: Stage) -> Result<()> {
    let name = stage.image().to_owned();
    let photo = graph.find(&name).ok_or(Error::UnknownTensor { name })?;
    let cells = graph.push("finite.cells", Op::PoolCells, &[photo], Patches::WHOLE)?;
    let rows = graph.push("finite", Op::PoolRows, &[cells], Patches::WHOLE)?;
    graph.mark_output(rows);
    Ok(())
}

impl Network<'_> {
    /// The photo as the network's image: unpacked, padded and pixel-unshuffled as needed.
    pub(super) fn image_in(&mut self, options: &NetworkOptions, padded: (u32, u32)) -> Result<TensorId> {
        let &NetworkOptions { height, width, .. } = options;
        let desc = |channels, role| TensorDesc { channels, height, width, patches: Patches::WHOLE, role };
        let photo = match options.format {
            ImageFormat::Words => {
                let words = self.graph.add_input("words", desc(1, Role::Words));
                self.op("input", Op::Unpack, &[words])?
            }
            ImageFormat::Planar => self.graph.add_input("input", desc(3, Role::Image)),
            ImageFormat::Pixels { format, .. } => {
                let row = TensorDesc { width: format.row(width), ..desc(1, Role::Words) };
                let pixels = self.graph.add_input(PIXELS, row);
                self.op("input", Op::ReadPixels { format, width }, &[pixels])?
            }
        };
        let image = if padded == (width, height) {
            photo
        } else {
            let (width, height) = padded;
            self.op("input.padded", Op::Pad { height, width, unpack: false }, &[photo])?
        };
        match self.weights.config().shuffle {
            1 => Ok(image),
            factor => self.op("input.unshuffled", Op::PixelUnshuffle { factor }, &[image]),
        }
    }

    /// A stage's image at the photo's size, named by the stage, and as it leaves the graph. The label is of the
    /// module's own result, which is of the padded size.
    pub(super) fn image_out(
        &mut self,
        stage: Stage,
        label: &str,
        image: TensorId,
        options: &NetworkOptions,
    ) -> Result<TensorId> {
        let stage = stage.image();
        let full = match self.weights.config().shuffle {
            1 => image,
            factor => self.op(&format!("{stage}.shuffled"), Op::PixelShuffle { factor }, &[image])?,
        };
        self.graph.label(label, full);
        let &NetworkOptions { height, width, .. } = options;
        let desc = self.graph.desc(full);
        // A photo's sides do not divide into the patches that the stage before it saw.
        let patches = Patches::WHOLE;
        let photo = if (desc.width, desc.height) == (width, height) {
            full
        } else {
            let crop = Op::Crop { height, width, pack: false };
            self.graph.push(&format!("{stage}.cropped"), crop, &[full], patches)?
        };
        self.graph.label(stage, photo);
        match options.format {
            ImageFormat::Words => self.graph.push(&format!("{stage}.words"), Op::Pack, &[photo], patches),
            ImageFormat::Planar => Ok(photo),
            ImageFormat::Pixels { format, strength } => {
                let unknown = || Error::UnknownTensor { name: PIXELS.to_owned() };
                let own = self.graph.find(PIXELS).ok_or_else(unknown)?;
                let write = Op::WritePixels { format, strength };
                self.graph.push(&format!("{stage}.pixels"), write, &[photo, own], patches)
            }
        }
    }
}
