//! PNG, 8 or 16 bits.

use std::borrow::Cow;
use std::io::Write;

use png::chunk::ChunkType;
use png::{BitDepth, ColorType, Compression, Encoder, EncodingError, Filter, Info};

use super::{Failure, Picture};
use crate::image::files::WriteOptions;
use crate::image::files::metadata::png::to_chunks;
use crate::image::samples::Samples;

/// zlib's sixth level packs photographs hardly less than the ninth, in a quarter of its time. `Fast` takes a tenth of
/// that (12 ms a megapixel where it took 123, AMD EPYC) for 6% more bytes of 8-bit photographs and 15% of 16-bit ones:
/// a GPU is not to wait for a file.
pub(super) fn encode(picture: &Picture, options: &WriteOptions, out: impl Write) -> Result<(), Failure> {
    let mut info = Info::with_size(picture.width, picture.height);
    info.icc_profile = picture.metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = picture.metadata.exif.as_deref().map(Cow::Borrowed);
    let mut encoder = Encoder::with_info(out, info)?;
    encoder.set_color(match picture.channels {
        1 => ColorType::Grayscale,
        2 => ColorType::GrayscaleAlpha,
        3 => ColorType::Rgb,
        _ => ColorType::Rgba,
    });
    let (depth, bytes) = match &*picture.samples {
        Samples::U8(v) => (BitDepth::Eight, Cow::Borrowed(v.as_slice())),
        Samples::U16(v) => (BitDepth::Sixteen, Cow::Owned(v.iter().flat_map(|v| v.to_be_bytes()).collect())),
        Samples::F32(_) => return Err(Failure::Refused("PNG holds no floats".to_owned())),
    };
    encoder.set_depth(depth);
    encoder.set_compression(if options.small { Compression::Balanced } else { Compression::Fast });
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    for (kind, content) in to_chunks(&picture.metadata) {
        writer.write_chunk(ChunkType(kind), &content)?;
    }
    writer.write_image_data(&bytes)?;
    Ok(writer.finish()?)
}

impl From<EncodingError> for Failure {
    fn from(error: EncodingError) -> Failure {
        match error {
            EncodingError::IoError(error) => Failure::Io(error),
            other => Failure::Refused(format!("the PNG encoder does not take it ({other})")),
        }
    }
}
