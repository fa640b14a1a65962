//! TIFF, uncompressed; `BigTIFF` where the file would pass 4 GiB.

use std::io::{Seek, Write};

use tiff::encoder::colortype::{ColorType, Gray8, Gray16, Gray32Float, RGB8, RGB16, RGB32Float};
use tiff::encoder::{DirectoryEncoder, Rational, TiffEncoder, TiffKind, TiffValue};
use tiff::tags::{ExtraSamples, ResolutionUnit as Unit, Tag, Type};
use tiff::{Directory, TiffError};

use super::{Failure, Picture};
use crate::image::files::metadata::exif::{self, Fields};
use crate::image::files::metadata::{Field, Metadata, Resolution, ResolutionUnit};
use crate::image::samples::Samples;

const XMP: Tag = Tag::Unknown(700);
const IPTC: Tag = Tag::Unknown(33_723);
const INTEROPERABILITY: Tag = Tag::Unknown(0xa005);

/// Room for directories and lists of strips beside the samples and the metadata.
const SIDE_BYTES: usize = 1 << 20;

pub(super) fn encode(picture: &Picture, out: impl Write + Seek) -> Result<(), Failure> {
    let Metadata { icc, exif, xmp, iptc, .. } = &picture.metadata;
    let beside: usize = [icc, exif, xmp, iptc].into_iter().flatten().map(Vec::len).sum();
    let total = picture.samples.as_bytes().len() as u64 + (beside + SIDE_BYTES) as u64;
    if total > u64::from(u32::MAX) {
        page(picture, &mut TiffEncoder::new_big(out)?)
    } else {
        page(picture, &mut TiffEncoder::new(out)?)
    }
}

fn page<W: Write + Seek, K: TiffKind>(
    picture: &Picture,
    file: &mut TiffEncoder<W, K>,
) -> Result<(), Failure> {
    Ok(match (&*picture.samples, picture.channels) {
        (Samples::U8(v), 1 | 2) => write::<Gray8, W, K>(picture, v, file),
        (Samples::U8(v), _) => write::<RGB8, W, K>(picture, v, file),
        (Samples::U16(v), 1 | 2) => write::<Gray16, W, K>(picture, v, file),
        (Samples::U16(v), _) => write::<RGB16, W, K>(picture, v, file),
        (Samples::F32(v), 1 | 2) => write::<Gray32Float, W, K>(picture, v, file),
        (Samples::F32(v), _) => write::<RGB32Float, W, K>(picture, v, file),
    }?)
}

fn write<C: ColorType, W: Write + Seek, K: TiffKind>(
    picture: &Picture,
    samples: &[C::Inner],
    file: &mut TiffEncoder<W, K>,
) -> Result<(), TiffError>
where
    [C::Inner]: TiffValue,
{
    let metadata = &picture.metadata;
    let fields = metadata.exif.as_deref().and_then(exif::fields).unwrap_or_default();
    let exif_at = exif_directory(&fields, file)?;
    let gps_at = directory(&fields.gps, None, file)?;

    let mut image = file.new_image::<C>(picture.width, picture.height)?;
    if picture.channels.is_multiple_of(2) {
        image.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    let page = image.encoder();
    if let Some(resolution) = metadata.resolution {
        put_resolution(resolution, page)?;
    }
    let blocks = [
        (Tag::IccProfile, Type::UNDEFINED, &metadata.icc),
        (XMP, Type::BYTE, &metadata.xmp),
        (IPTC, Type::UNDEFINED, &metadata.iptc),
    ];
    for (tag, kind, block) in blocks {
        if let Some(block) = block {
            put(tag, kind, block, page)?;
        }
    }
    put_all(fields.image.iter().filter(|field| exif::DESCRIPTIVE.contains(&field.tag)), page)?;
    for (tag, at) in [(Tag::ExifDirectory, exif_at), (Tag::GpsDirectory, gps_at)] {
        if let Some(at) = at {
            page.write_tag(tag, at)?;
        }
    }
    image.write_data(samples)
}

/// Writes the directory of how the picture was taken, and the one of interoperability that it leads to.
fn exif_directory<W: Write + Seek, K: TiffKind>(
    fields: &Fields,
    file: &mut TiffEncoder<W, K>,
) -> Result<Option<K::OffsetType>, TiffError> {
    let inner = directory(&fields.interoperability, None, file)?;
    directory(&fields.exif, inner, file)
}

/// Writes a directory that is no page, where there is anything in it: its offset.
fn directory<W: Write + Seek, K: TiffKind>(
    fields: &[Field],
    interoperability: Option<K::OffsetType>,
    file: &mut TiffEncoder<W, K>,
) -> Result<Option<K::OffsetType>, TiffError> {
    if fields.is_empty() && interoperability.is_none() {
        return Ok(None);
    }
    let mut directory = file.extra_directory()?;
    put_all(fields.iter(), &mut directory)?;
    if let Some(at) = interoperability {
        directory.write_tag(INTEROPERABILITY, at)?;
    }
    Ok(Some(directory.finish_with_offsets()?.offset))
}

fn put_all<'a, W: Write + Seek, K: TiffKind>(
    fields: impl Iterator<Item = &'a Field<'a>>,
    directory: &mut DirectoryEncoder<'_, W, K>,
) -> Result<(), TiffError> {
    for field in fields {
        if let Some(kind) = Type::from_u16(field.kind) {
            put(Tag::from_u16_exhaustive(field.tag), kind, &field.value, directory)?;
        }
    }
    Ok(())
}

fn put<W: Write + Seek, K: TiffKind>(
    tag: Tag,
    kind: Type,
    value: &[u8],
    directory: &mut DirectoryEncoder<'_, W, K>,
) -> Result<(), TiffError> {
    let entry = directory.write_entry_bytes(kind, value)?;
    // Values that do not fit in the entry begin at even offsets.
    if value.len() > size_of::<K::OffsetType>() && !value.len().is_multiple_of(2) {
        directory.write_data(&[0u8][..])?;
    }
    directory.extend_from(&Directory::from_iter([(tag, entry)]));
    Ok(())
}

fn put_resolution<W: Write + Seek, K: TiffKind>(
    resolution: Resolution,
    page: &mut DirectoryEncoder<'_, W, K>,
) -> Result<(), TiffError> {
    let unit = match resolution.unit {
        ResolutionUnit::Aspect => Unit::None,
        ResolutionUnit::Inch => Unit::Inch,
        ResolutionUnit::Centimetre => Unit::Centimeter,
    };
    page.write_tag(Tag::ResolutionUnit, unit)?;
    page.write_tag(Tag::XResolution, ratio(resolution.x))?;
    page.write_tag(Tag::YResolution, ratio(resolution.y))
}

fn ratio(value: f64) -> Rational {
    // As fine as 32 bits allow, in tens, so that decimal fractions stay exact.
    let d = [10_000, 100, 1].into_iter().find(|d| value * f64::from(*d) <= f64::from(u32::MAX)).unwrap_or(1);
    Rational { n: (value * f64::from(d)).round() as u32, d }
}

impl From<TiffError> for Failure {
    fn from(error: TiffError) -> Failure {
        match error {
            TiffError::IoError(error) => Failure::Io(error),
            other => Failure::Refused(format!("the TIFF encoder does not take it ({other})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::io::Cursor;
    use std::path::Path;

    use super::*;
    use crate::image::{ReadOptions, from_bytes};

    #[test]
    fn files_beyond_4_gib_would_be_read_again() {
        for channels in [1, 2, 3, 4] {
            let samples: Vec<u16> = (0..6 * channels).map(|i| 1000 * i as u16).collect();
            let metadata = Metadata { iptc: Some(vec![7; 33]), ..Metadata::default() };
            let samples = Cow::Owned(Samples::U16(samples));
            let picture = Picture { width: 3, height: 2, channels, samples, metadata };
            let (mut small, mut big) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
            encode(&picture, &mut small).unwrap();
            page(&picture, &mut TiffEncoder::new_big(&mut big).unwrap()).unwrap();
            assert_eq!(big.get_ref()[2], 43);
            let read = |file: Cursor<Vec<u8>>| {
                from_bytes(&file.into_inner(), Path::new("a.tif"), &ReadOptions::default()).unwrap()
            };
            assert_eq!(read(big), read(small));
        }
    }
}
