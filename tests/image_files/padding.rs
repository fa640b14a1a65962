//! Frames as tensors: reflection, rounding, and back.

use mprnet::Error;
use mprnet::image::{Frame, Samples, padded_side, reflect_index};
use proptest::prelude::*;

use crate::{bytes_of, icc, rgb8, rgb16};

fn reflected(side: usize, padded: usize) -> Vec<usize> {
    (0..padded).map(|i| reflect_index(i, side)).collect()
}

#[test]
fn reflection_as_numpy_does_it() {
    assert_eq!(reflected(1, 8), [0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(reflected(2, 8), [0, 1, 0, 1, 0, 1, 0, 1]);
    assert_eq!(reflected(3, 8), [0, 1, 2, 1, 0, 1, 2, 1]);
    assert_eq!(reflected(5, 8), [0, 1, 2, 3, 4, 3, 2, 1]);
    assert_eq!(reflected(6, 8), [0, 1, 2, 3, 4, 5, 4, 3]);
    assert_eq!(reflected(8, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(reflected(4, 16), [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2, 3]);
}

#[test]
fn padded_sides() {
    assert_eq!(padded_side(1, 8), Some(8));
    assert_eq!(padded_side(8, 8), Some(8));
    assert_eq!(padded_side(9, 8), Some(16));
    assert_eq!(padded_side(7, 1), Some(7));
    assert_eq!(padded_side(7, 0), None);
    assert_eq!(padded_side(u32::MAX, 8), None);
}

/// Both directions at once, against the outcome written down.
#[test]
fn words_of_a_small_image() {
    let pixel = |v: u8| [v, v + 50, v + 100];
    let frame = Frame::from_rgb8(3, 2, [1, 2, 3, 4, 5, 6].map(pixel).concat()).unwrap();
    let padded = frame.to_words(4).unwrap();
    assert_eq!((padded.width, padded.height), (4, 4));
    let expected = [1, 2, 3, 2, 4, 5, 6, 5, 1, 2, 3, 2, 4, 5, 6, 5];
    let words = expected.map(|v: u32| v | (v + 50) << 8 | (v + 100) << 16 | 255 << 24);
    assert_eq!(padded.data, words);
    // The top byte means nothing on the way back.
    let no_top = words.map(|word| word & 0xff_ffff);
    assert_eq!(frame.with_words(&no_top, 4).unwrap(), frame);
}

#[test]
fn planes_of_a_small_image() {
    let frame = Frame::from_rgb8(2, 1, vec![0, 51, 255, 102, 153, 204]).unwrap();
    let padded = frame.to_planar(3).unwrap();
    assert_eq!((padded.width, padded.height), (3, 3));
    let rows = [[0.0, 0.4, 0.0], [0.2, 0.6, 0.2], [1.0, 0.8, 1.0]];
    assert_eq!(padded.data, rows.map(|row| [row; 3].concat()).concat());
    let frame = Frame::from_rgb16(1, 1, vec![0, 13107, 65535]).unwrap();
    assert_eq!(frame.to_planar(1).unwrap().data, [0.0, 0.2, 1.0]);
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
    let out = frame.with_planar(&[red, green, blue].concat(), 4, 1).unwrap();
    let expected = [126, 0, 255, 128, 255, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(bytes_of(out.samples()), expected);

    let frame = Frame::from_rgb16(1, 1, vec![0; 3]).unwrap();
    let out = frame.with_planar(&[0.5, f32::NAN, 2.0], 1, 1).unwrap();
    assert_eq!(out.samples(), &Samples::U16(vec![32768, 0, 65535]));
}

#[test]
fn every_value_survives_the_floats() {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    let frame = Frame::from_grey16(256, 256, &all).unwrap();
    let planes = frame.to_planar(8).unwrap();
    assert_eq!(frame.with_planar(&planes.data, 256, 256).unwrap(), frame);
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let frame = Frame::from_grey8(16, 16, &all).unwrap();
    let planes = frame.to_planar(8).unwrap();
    assert_eq!(frame.with_planar(&planes.data, 16, 16).unwrap(), frame);
}

#[test]
fn what_belongs_to_the_frame_stays() {
    let frame = Frame::from_grey8(2, 1, &[3, 4])
        .unwrap()
        .with_alpha8(vec![5, 6])
        .unwrap()
        .with_metadata(icc(vec![7]));
    let words = frame.to_words(8).unwrap();
    assert_eq!(frame.with_words(&words.data, 8).unwrap(), frame);
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
        frame.with_words(&[0; 64], 2),
        frame.with_words(&[0; 63], 8),
        frame.with_words(&[0; 8], 8),
        frame.with_words(&[], 0),
        rgb16(3, 2).with_words(&[0; 64], 8),
        frame.with_planar(&[0.0; 191], 8, 8),
        frame.with_planar(&[0.0; 24], 8, 1),
        frame.with_planar(&[0.0; 24], 2, 4),
        frame.with_planar(&[], u32::MAX, u32::MAX),
    ];
    for (i, result) in wrong.iter().enumerate() {
        assert!(matches!(result, Err(Error::FrameShape { .. })), "{i}: {result:?}");
    }
    assert!(rgb16(3, 2).to_words(8).is_err());
    assert!(frame.to_words(0).is_err());
    assert!(frame.to_planar(u32::MAX).is_err());
}

/// The place a walk of `i` steps ends at that turns round at both edges.
fn walk(i: usize, side: usize) -> usize {
    let (mut at, mut forward) = (0, true);
    for _ in 0..i {
        if side == 1 {
            return 0;
        }
        forward = if at == 0 { true } else { forward && at + 1 < side };
        if forward { at += 1 } else { at -= 1 }
    }
    at
}

proptest! {
    #[test]
    fn every_padded_pixel_is_the_reflected_one(
        width in 1u32..20, height in 1u32..20, multiple in 1u32..40
    ) {
        let frame = rgb8(width, height);
        let words = frame.to_words(multiple).unwrap();
        let planes = frame.to_planar(multiple).unwrap();
        prop_assert_eq!((words.width, words.height), (planes.width, planes.height));
        prop_assert!(words.width.is_multiple_of(multiple) && words.height.is_multiple_of(multiple));
        prop_assert!(words.width - width < multiple && words.height - height < multiple);
        let plane = (words.width * words.height) as usize;
        prop_assert_eq!((words.data.len(), planes.data.len()), (plane, 3 * plane));
        let rgb = bytes_of(frame.samples());
        for i in 0..plane {
            let (x, y) = (i % words.width as usize, i / words.width as usize);
            let source = walk(y, height as usize) * width as usize + walk(x, width as usize);
            for channel in 0..3 {
                let sample = rgb[source * 3 + channel];
                prop_assert_eq!(words.data[i].to_le_bytes()[channel], sample);
                prop_assert_eq!(planes.data[channel * plane + i], f32::from(sample) / 255.0);
            }
        }
        prop_assert_eq!(frame.with_words(&words.data, words.width).unwrap(), frame.clone());
        let back = frame.with_planar(&planes.data, planes.width, planes.height).unwrap();
        prop_assert_eq!(back, frame);
    }

    #[test]
    fn deep_frames_come_back(width in 1u32..12, height in 1u32..12, multiple in 1u32..20) {
        let frame = rgb16(width, height);
        let planes = frame.to_planar(multiple).unwrap();
        let back = frame.with_planar(&planes.data, planes.width, planes.height).unwrap();
        prop_assert_eq!(back, frame);
    }
}
