//! Photos of every kind and size, restored in one run each, so that shaders are compiled once.

use image::{DynamicImage, ImageFormat, ImageReader, Rgb, RgbImage, RgbaImage};

use crate::photos::*;
use crate::{Room, Run};

/// The differences of two pictures' 8-bit samples: the largest and the mean.
fn difference(a: &DynamicImage, b: &DynamicImage) -> (u8, f64) {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let (a, b) = (a.to_rgb8().into_raw(), b.to_rgb8().into_raw());
    let apart: Vec<u8> = a.iter().zip(&b).map(|(&a, &b)| a.abs_diff(b)).collect();
    let sum: f64 = apart.iter().map(|&d| f64::from(d)).sum();
    (apart.iter().copied().max().unwrap_or(0), sum / apart.len() as f64)
}

/// Restores all of these into a directory, quietly.
fn restore_all(files: &[(&str, Vec<u8>)]) -> Room {
    let room = Room::new();
    room.make_directory("out");
    for (name, bytes) in files {
        room.put(name, bytes);
    }
    let names = files.iter().map(|(name, _)| *name);
    let run = Run::of(&mut room.command(["restore", "-q", "-o", "out"].into_iter().chain(names))).succeeds();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
    let written = std::fs::read_dir(room.path("out")).unwrap().count();
    assert_eq!(written, files.len(), "something was left in the directory");
    room
}

#[test]
fn every_size_and_format() {
    let odd = smooth(17, 23);
    let same = png(odd.clone());
    let sizes = [("one.png", png(smooth(1, 1))), ("thin.png", png(smooth(1, 9))), ("odd.png", same.clone())];
    // The name decides what is written, the content what is read.
    let formats = ["a.jpg", "b.JPEG", "c.webp", "d.tif", "e.tiff"].map(|name| (name, same.clone()));
    let room = restore_all(&[sizes.as_slice(), &formats].concat());

    for (name, width, height) in [("one.png", 1, 1), ("thin.png", 1, 9), ("odd.png", 17, 23)] {
        let restored = room.image(&format!("out/{name}"));
        assert_eq!((restored.width(), restored.height()), (width, height), "{name}");
    }
    let restored = room.image("out/odd.png");
    let (_, mean) = difference(&restored, &odd);
    assert!(mean > 0.0 && mean < 6.0, "a smooth picture has changed by {mean}");
    let [jpeg, webp, tiff] = [ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Tiff];
    let expected = [("a.jpg", jpeg), ("b.JPEG", jpeg), ("c.webp", webp), ("d.tif", tiff), ("e.tiff", tiff)];
    for (name, format) in expected {
        let path = room.path("out").join(name);
        assert_eq!(
            ImageReader::open(path).unwrap().with_guessed_format().unwrap().format(),
            Some(format),
            "{name}"
        );
        let (largest, mean) = difference(&room.image(&format!("out/{name}")), &restored);
        let (largest_allowed, mean_allowed) = if format == jpeg { (24, 3.0) } else { (0, 0.0) };
        assert!(largest <= largest_allowed && mean <= mean_allowed, "{name}: {largest}, {mean} on average");
    }
}

#[test]
fn what_a_photo_holds_besides_colour() {
    let transparent = RgbaImage::from_fn(20, 19, |x, y| image::Rgba([200, 90, 40, (x * 12 + y) as u8]));
    let grey = grey_with_alpha(20, 19);
    let deep = smooth(20, 19).into_rgb16();
    let room = restore_all(&[
        ("alpha.png", png(transparent.clone())),
        ("grey.png", png(DynamicImage::from(grey.clone()).into_luma8())),
        ("grey-alpha.png", png(grey.clone())),
        ("turned.jpg", turned_jpeg(30, 18)),
        ("deep.png", png(deep)),
    ]);

    let DynamicImage::ImageRgba8(restored) = room.image("out/alpha.png") else { panic!("no transparency") };
    let alpha = |image: &RgbaImage| image.pixels().map(|p| p[3]).collect::<Vec<_>>();
    assert_eq!(alpha(&restored), alpha(&transparent));
    assert!(matches!(room.image("out/grey.png"), DynamicImage::ImageLuma8(_)));
    let DynamicImage::ImageLumaA8(restored) = room.image("out/grey-alpha.png") else { panic!("not grey") };
    assert!(restored.pixels().map(|p| p[1]).eq(grey.pixels().map(|p| p[1])));

    let upright: RgbImage = room.image("out/turned.jpg").into_rgb8();
    assert_eq!(upright.dimensions(), (18, 30));
    for x in 0..18 {
        let [top, bottom] = [3, 26].map(|y| upright.get_pixel(x, y)[0]);
        assert!(top < 80 && bottom > 170, "column {x}: {top} above, {bottom} below");
    }

    let DynamicImage::ImageRgb16(restored) = room.image("out/deep.png") else { panic!("no 16 bits") };
    // Values between those that 8 bits have.
    assert!(restored.pixels().any(|Rgb([r, ..])| r % 257 != 0));
    let (_, mean) = difference(&restored.into(), &smooth(20, 19));
    assert!(mean < 6.0, "a smooth picture has changed by {mean}");
}
