//! Frames as tensors: words and planes, rounding, and back.

use mprnet::Error;
use mprnet::image::{Frame, Samples};
use proptest::prelude::*;

use crate::{bytes_of, icc, rgb8, rgb16};

#[test]
fn words_of_a_small_image() {
    let pixel = |v: u8| [v, v + 50, v + 100];
    let frame = Frame::from_rgb8(3, 2, [1, 2, 3, 4, 5, 6].map(pixel).concat()).unwrap();
    let words = [1, 2, 3, 4, 5, 6].map(|v: u32| v | (v + 50) << 8 | (v + 100) << 16 | 255 << 24);
    assert_eq!(frame.to_words().unwrap(), words);
    // The top byte means nothing on the way back.
    let no_top = words.map(|word| word & 0xff_ffff);
    assert_eq!(frame.with_words(&no_top).unwrap(), frame);
}

#[test]
fn planes_of_a_small_image() {
    let frame = Frame::from_rgb8(2, 1, vec![0, 51, 255, 102, 153, 204]).unwrap();
    assert_eq!(frame.to_planar(), [0.0, 0.4, 0.2, 0.6, 1.0, 0.8]);
    let frame = Frame::from_rgb16(1, 1, vec![0, 13107, 65535]).unwrap();
    assert_eq!(frame.to_planar(), [0.0, 0.2, 1.0]);
}

#[test]
fn values_are_clamped_and_rounded() {
    let frame = Frame::from_rgb8(4, 1, vec![0; 12]).unwrap();
    // Halves go to the even neighbour: these three are exact halves of steps.
    let (even, odd, half) = (126.5 / 255.0, 127.5 / 255.0, 0.5 / 255.0);
    assert_eq!([even * 255.0, odd * 255.0, half * 255.0], [126.5, 127.5, 0.5_f32]);
    let red = [even, odd, half, 0.499 / 255.0];
    let green = [-0.2, 1.7, f32::NAN, -f32::NAN];
    let blue = [f32::INFINITY, f32::NEG_INFINITY, 0.7 / 255.0, -0.0];
    let out = frame.with_planar(&[red, green, blue].concat()).unwrap();
    let expected = [126, 0, 255, 128, 255, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(bytes_of(out.samples()), expected);

    let frame = Frame::from_rgb16(1, 1, vec![0; 3]).unwrap();
    let out = frame.with_planar(&[0.5, f32::NAN, 2.0]).unwrap();
    assert_eq!(out.samples(), &Samples::U16(vec![32768, 0, 65535]));
}

#[test]
fn every_value_survives_the_floats() {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    let frame = Frame::from_grey16(256, 256, &all).unwrap();
    assert_eq!(frame.with_planar(&frame.to_planar()).unwrap(), frame);
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let frame = Frame::from_grey8(16, 16, &all).unwrap();
    assert_eq!(frame.with_planar(&frame.to_planar()).unwrap(), frame);
}

#[test]
fn what_belongs_to_the_frame_stays() {
    let frame = Frame::from_grey8(2, 1, &[3, 4])
        .unwrap()
        .with_alpha8(vec![5, 6])
        .unwrap()
        .with_metadata(icc(vec![7]));
    assert_eq!(frame.with_words(&frame.to_words().unwrap()).unwrap(), frame);
    let other = frame.with_samples(Samples::U8(vec![9; 6])).unwrap();
    assert!(other.is_grey());
    assert_eq!(other.alpha(), frame.alpha());
    assert_eq!(other.metadata().icc.as_deref(), Some([7].as_slice()));
    assert_eq!(other.samples(), &Samples::U8(vec![9; 6]));
}

#[test]
fn shapes_that_do_not_fit() {
    let frame = rgb8(3, 2);
    let wrong = [
        Frame::from_rgb8(3, 2, vec![0; 17]),
        Frame::from_rgb8(0, 2, vec![]),
        Frame::from_rgb16(2, 0, vec![]),
        Frame::from_rgb8(u32::MAX, u32::MAX, vec![0; 3]),
        Frame::from_grey8(3, 2, &[0; 5]),
        rgb8(3, 2).with_alpha8(vec![0; 7]),
        rgb8(3, 2).with_alpha16(vec![0; 6]),
        frame.with_samples(Samples::U8(vec![0; 6])),
        frame.with_samples(Samples::U16(vec![0; 18])),
        frame.with_words(&[0; 5]),
        frame.with_words(&[0; 8]),
        frame.with_words(&[]),
        rgb16(3, 2).with_words(&[0; 6]),
        frame.with_planar(&[0.0; 17]),
        frame.with_planar(&[0.0; 24]),
        frame.with_planar(&[]),
    ];
    for (i, result) in wrong.iter().enumerate() {
        assert!(matches!(result, Err(Error::FrameShape { .. })), "{i}: {result:?}");
    }
    assert!(rgb16(3, 2).to_words().is_err());
}

proptest! {
    #[test]
    fn every_pixel_is_where_it_was(width in 1u32..20, height in 1u32..20) {
        let frame = rgb8(width, height);
        let (words, planes) = (frame.to_words().unwrap(), frame.to_planar());
        let pixels = (width * height) as usize;
        prop_assert_eq!((words.len(), planes.len()), (pixels, 3 * pixels));
        for (i, pixel) in bytes_of(frame.samples()).chunks(3).enumerate() {
            for channel in 0..3 {
                prop_assert_eq!(words[i].to_le_bytes()[channel], pixel[channel]);
                prop_assert_eq!(planes[channel * pixels + i], f32::from(pixel[channel]) / 255.0);
            }
        }
        prop_assert_eq!(frame.with_words(&words).unwrap(), frame.clone());
        prop_assert_eq!(frame.with_planar(&planes).unwrap(), frame);
    }

    #[test]
    fn deep_frames_come_back(width in 1u32..12, height in 1u32..12) {
        let frame = rgb16(width, height);
        prop_assert_eq!(frame.with_planar(&frame.to_planar()).unwrap(), frame);
    }
}
