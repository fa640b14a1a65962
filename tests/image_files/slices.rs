//! Pixels of other programs: slices with gaps, and images of the crate `image`.

use image::DynamicImage;
use mprnet::Error;
use mprnet::image::{Channels, Frame, Pixels, Samples};

const ALL: [Channels; 6] =
    [Channels::Grey, Channels::GreyAlpha, Channels::Rgb, Channels::Rgba, Channels::Bgr, Channels::Bgra];

#[test]
fn packed_pixels_are_those_with_gaps() {
    for channels in ALL {
        let (count, packed) = (channels.count(), Pixels::packed(3, 2, channels));
        let gaps = Pixels { pixel_stride: count + 1, row_stride: 3 * (count + 1), ..packed };
        let values: Vec<f32> = (0..2 * gaps.row_stride).map(|i| i as f32 / 64.0).collect();
        let without = values.chunks(count + 1).flat_map(|pixel| &pixel[..count]);
        // One more than there are pixels for.
        let mut room: Vec<f32> = without.copied().chain([0.5]).collect();
        let frame = Frame::from_slice(&values, &gaps).unwrap();
        assert_eq!(Frame::from_slice(&room, &packed).unwrap(), frame, "{channels:?}");
        let expected = room.clone();
        room[..2 * 3 * count].fill(0.0);
        frame.write_to_slice(&mut room, &packed).unwrap();
        assert_eq!(room, expected, "{channels:?}");
        // What has no transparency, or more channels than are asked for.
        for other in ALL.map(|channels| Pixels::packed(3, 2, channels)) {
            let wide = Pixels { pixel_stride: 5, row_stride: 15, ..other };
            let (mut tight, mut loose) = (vec![0_u8; 3 * 2 * other.channels.count()], vec![0_u8; 30]);
            frame.write_to_slice(&mut tight, &other).unwrap();
            frame.write_to_slice(&mut loose, &wide).unwrap();
            let loose = loose.chunks(5).flat_map(|pixel| &pixel[..other.channels.count()]);
            assert!(loose.eq(&tight), "{channels:?} as {:?}", other.channels);
        }
    }
}

#[test]
fn what_lies_between_pixels_is_neither_read_nor_written() {
    for channels in ALL {
        let count = channels.count();
        let gaps = Pixels {
            pixel_stride: count + 1,
            row_stride: 3 * (count + 1) + 5,
            ..Pixels::packed(3, 2, channels)
        };
        // The last row ends with its last pixel.
        let length = gaps.row_stride + 2 * gaps.pixel_stride + count;
        let values: Vec<u16> = (0..length as u16).map(|i| 1 + 977 * i).collect();
        let frame = Frame::from_slice(&values, &gaps).unwrap();
        let Samples::U16(rgb) = frame.samples() else { panic!("16 bits stay 16 bits") };
        let at = |x: usize, y: usize, channel: usize| {
            values[y * gaps.row_stride + x * gaps.pixel_stride + channel]
        };
        let order = match channels {
            Channels::Grey | Channels::GreyAlpha => [0, 0, 0],
            Channels::Rgb | Channels::Rgba => [0, 1, 2],
            Channels::Bgr | Channels::Bgra => [2, 1, 0],
        };
        let expected: Vec<u16> = (0..2)
            .flat_map(|y| (0..3).flat_map(move |x| order.map(|channel| (x, y, channel))))
            .map(|(x, y, channel)| at(x, y, channel))
            .collect();
        assert!(*rgb == expected && frame.is_grey() == (count < 3), "{channels:?}");
        let alpha = matches!(channels, Channels::GreyAlpha | Channels::Rgba | Channels::Bgra);
        assert!(frame.alpha().is_some() == alpha, "{channels:?}");

        let mut written = vec![7_u16; length];
        frame.write_to_slice(&mut written, &gaps).unwrap();
        for (i, (&value, &original)) in written.iter().zip(&values).enumerate() {
            let within = i % gaps.row_stride;
            let pixel = within / gaps.pixel_stride < 3 && within % gaps.pixel_stride < count;
            assert_eq!(value, if pixel { original } else { 7 }, "{channels:?} at {i}");
        }
        for pixels in [
            Pixels { height: 3, ..gaps },
            Pixels { pixel_stride: count - 1, ..gaps },
            Pixels { row_stride: 3 * count - 1, pixel_stride: count, ..gaps },
            Pixels { width: 0, ..gaps },
            Pixels { row_stride: usize::MAX, ..gaps },
        ] {
            assert!(
                matches!(Frame::from_slice(&values, &pixels), Err(Error::FrameShape { .. })),
                "{pixels:?}"
            );
            assert!(frame.write_to_slice(&mut written, &pixels).is_err(), "{pixels:?}");
        }
    }
}

#[test]
fn a_slice_of_another_kind_takes_what_it_can() {
    let frame = Frame::from_rgb8(2, 1, vec![255, 0, 0, 10, 20, 30]).unwrap();
    let mut floats = [0.0_f32; 4];
    frame.write_to_slice(&mut floats, &Pixels::packed(2, 1, Channels::GreyAlpha)).unwrap();
    assert!((floats[0] - 0.299).abs() < 1e-6 && floats[1] == 1.0 && floats[3] == 1.0, "{floats:?}");
    let mut bytes = [0_u8; 8];
    Frame::from_grey16(2, 1, &[65535, 257])
        .unwrap()
        .write_to_slice(&mut bytes, &Pixels::packed(2, 1, Channels::Bgra))
        .unwrap();
    assert_eq!(bytes, [255, 255, 255, 255, 1, 1, 1, 255]);
}

#[test]
fn images_of_the_crate_image_come_back_as_they_were() {
    let bytes = DynamicImage::ImageRgba8(image::RgbaImage::from_fn(5, 3, |x, y| {
        image::Rgba([x as u8, y as u8, 90, 7 * x as u8])
    }));
    let deep = DynamicImage::ImageRgb16(bytes.to_rgb16());
    let images = [
        DynamicImage::ImageLuma8(bytes.to_luma8()),
        DynamicImage::ImageLumaA8(bytes.to_luma_alpha8()),
        DynamicImage::ImageRgb8(bytes.to_rgb8()),
        DynamicImage::ImageLuma16(deep.to_luma16()),
        DynamicImage::ImageLumaA16(deep.to_luma_alpha16()),
        DynamicImage::ImageRgba16(deep.to_rgba16()),
        DynamicImage::ImageRgb32F(bytes.to_rgb32f()),
        DynamicImage::ImageRgba32F(bytes.to_rgba32f()),
        bytes,
        deep,
    ];
    for image in images {
        let frame = Frame::from_dynamic_image(image.clone()).unwrap();
        assert_eq!(frame.is_grey(), !image.color().has_color());
        assert!(frame.to_dynamic_image().unwrap() == image, "{:?}", image.color());
    }
    assert!(Frame::from_dynamic_image(DynamicImage::new_rgb8(0, 4)).is_err());
}
