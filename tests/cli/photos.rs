//! Photos to restore, some of them made byte by byte.

use std::io::Cursor;

use crate::build::{chunk, exif, riff, segment};
use image::{DynamicImage, GrayAlphaImage, ImageFormat, LumaA, Rgb, RgbImage};

/// A smooth colour picture.
pub fn smooth(width: u32, height: u32) -> DynamicImage {
    let shade = |at: u32, side: u32| 40 + (at * 160 / side) as u8;
    RgbImage::from_fn(width, height, |x, y| Rgb([shade(x, width), shade(y, height), 90])).into()
}

/// A part of a sample of the repository.
pub fn sample(name: &str, width: u32, height: u32) -> DynamicImage {
    let path = crate::repository("samples").join(name);
    image::open(path).unwrap().crop_imm(100, 100, width, height)
}

pub fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    encode(image, ImageFormat::Png)
}

pub fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Grey that grows to the right under transparency that grows downwards.
pub fn grey_with_alpha(width: u32, height: u32) -> GrayAlphaImage {
    GrayAlphaImage::from_fn(width, height, |x, y| LumaA([(x * 9 % 256) as u8, (y * 13 % 256) as u8]))
}

/// A JPEG that is dark on the left, and whose orientation tag turns it by 90 degrees: dark at the top.
pub fn turned_jpeg(width: u32, height: u32) -> Vec<u8> {
    let dark_left = RgbImage::from_fn(width, height, |x, _| Rgb([if x < width / 2 { 20 } else { 230 }; 3]));
    let jpeg = encode(dark_left, ImageFormat::Jpeg);
    let turned = [b"Exif\0\0", exif(6, true).as_slice()].concat();
    [&jpeg[..2], &segment(0xe1, &turned), &jpeg[2..]].concat()
}

/// The headers of a JPEG of four channels, and no pixels worth the name.
pub fn cmyk_jpeg() -> Vec<u8> {
    let frame = [8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0];
    let scan = [4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0];
    [&[0xff, 0xd8], segment(0xc0, &frame).as_slice(), &segment(0xda, &scan), &[0, 0, 0xff, 0xd9]].concat()
}

/// A PNG whose header claims these sides, of a photo that has others.
pub fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    claiming(png(smooth(8, 8)), width, height)
}

/// A PNG with these sides in its header instead of its own.
pub fn claiming(mut bytes: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let header = chunk(b"IHDR", &bytes[16..29]);
    bytes[8..33].copy_from_slice(&header);
    bytes
}

/// A TIFF of 32-bit floats with transparency whose tags claim these sides, with two packed bytes that hold no pixel.
#[cfg(target_os = "linux")]
pub fn tiff_claiming(width: u32, height: u32) -> Vec<u8> {
    const PACK_BITS: u32 = 32_773;
    let strip_at = 8 + 2 + 12 * 10 + 4 + 8 + 8;
    let (bits_at, formats_at) = (strip_at - 16, strip_at - 8);
    let tags: [(u16, u16, u32, u32); 10] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 4, bits_at),
        (259, 4, 1, PACK_BITS),
        (262, 3, 1, 2),
        (273, 4, 1, strip_at),
        (277, 3, 1, 4),
        (279, 4, 1, 2),
        (338, 3, 1, 2),
        (339, 3, 4, formats_at),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x0a\0".to_vec();
    for (tag, kind, count, value) in tags {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes.extend([32u16, 3].iter().flat_map(|&number| [number.to_le_bytes(); 4]).flatten());
    bytes.extend([128; 2]);
    bytes
}

/// A PNG that says it is an animation of two frames.
pub fn animated_png() -> Vec<u8> {
    let still = png(smooth(8, 8));
    let control = chunk(b"acTL", b"\0\0\0\x02\0\0\0\0");
    [&still[..33], &control, &still[33..]].concat()
}

/// A WebP with the header, the settings and one frame of an animation.
pub fn animated_webp() -> Vec<u8> {
    let still = encode(smooth(4, 4), ImageFormat::WebP);
    // Place (0, 0), 4 x 4 pixels (less one each), 9 ms.
    let frame = [&[0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0, 9, 0, 0, 0], &still[12..]].concat();
    let header = riff(b"VP8X", &[2, 0, 0, 0, 3, 0, 0, 3, 0, 0]);
    let parts = [b"WEBP".as_slice(), &header, &riff(b"ANIM", &[0; 6]), &riff(b"ANMF", &frame)];
    riff(b"RIFF", &parts.concat())
}

/// A GIF of two frames of one pixel.
pub fn animated_gif() -> Vec<u8> {
    let header = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff";
    let frame = b"!\xf9\x04\0\x09\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0";
    [header.as_slice(), frame, frame, b";"].concat()
}
