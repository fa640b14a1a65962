//! Small copies of photos.

use std::path::Path;

use mprnet::image::{self, Frame, Light, ReadOptions, Samples};

use crate::icc;

fn small(photo: &Frame, side: u32) -> Frame {
    let file = image::thumbnail(photo, side).unwrap();
    assert_eq!(&file[8..12], b"WEBP");
    image::from_bytes(&file, Path::new("small"), &ReadOptions::default()).unwrap()
}

fn rgb(frame: &Frame) -> &[u8] {
    let Samples::U8(samples) = frame.samples() else { panic!("8 bits") };
    samples
}

/// A frame of one colour.
fn plain(width: u32, height: u32, color: [u8; 3]) -> Frame {
    Frame::from_rgb8(width, height, color.repeat((width * height) as usize)).unwrap()
}

#[track_caller]
fn is_about(frame: &Frame, color: [u8; 3]) {
    let far =
        rgb(frame).as_chunks().0.iter().find(|p: &&[u8; 3]| (0..3).any(|c| p[c].abs_diff(color[c]) > 4));
    assert_eq!(far, None, "where {color:?} is expected");
}

#[test]
fn sides_shrink_and_never_grow() {
    for (size, side, expected) in [
        ((1200, 800), 300, (300, 200)),
        ((800, 1200), 300, (200, 300)),
        ((301, 300), 300, (300, 299)),
        ((300, 20), 300, (300, 20)),
        ((1, 1), 300, (1, 1)),
        ((5000, 1), 300, (300, 1)),
        ((2, 5000), 300, (1, 300)),
        ((40, 30), 0, (1, 1)),
    ] {
        let small = small(&plain(size.0, size.1, [200, 90, 40]), side);
        assert_eq!((small.width(), small.height()), expected);
        is_about(&small, [200, 90, 40]);
    }
}

#[test]
fn every_depth_and_light() {
    let of = |value: f32| vec![value; 90 * 60 * 3];
    let float = Frame::from_rgb32f(90, 60, of(0.5)).unwrap();
    is_about(&small(&float, 30), [128; 3]);
    // 0.2140 of the light is 0.5 in the sRGB curve.
    let linear = Frame::from_rgb32f(90, 60, of(0.214)).unwrap().with_light(Light::Linear);
    is_about(&small(&linear, 30), [128; 3]);
    let deep = Frame::from_grey16(90, 60, &[0x4000; 5400]).unwrap();
    is_about(&small(&deep, 30), [64; 3]);
}

/// A green that does not show beside a red that does.
#[test]
fn colours_that_do_not_show_stay_out_of_averages() {
    let left = |x: usize| x < 31;
    let colors = (0..64 * 64).flat_map(|i| if left(i % 64) { [220, 30, 30] } else { [0, 255, 0] });
    let alpha = (0..64 * 64).map(|i| if left(i % 64) { 255 } else { 0 }).collect();
    let photo = Frame::from_rgb8(64, 64, colors.collect()).unwrap().with_alpha8(alpha).unwrap();
    let small = small(&photo, 16);
    let Some(Samples::U8(alpha)) = small.alpha() else { panic!("transparency stays") };
    let row = &alpha[..16];
    assert!(row[..7] == [255; 7] && (180..=200).contains(&row[7]) && row[8..] == [0; 8], "{row:?}");
    let edge = rgb(&small).as_chunks::<3>().0[7];
    assert!(edge[0] > 180 && edge[1] < 70, "{edge:?}");
}

#[test]
fn profiles_stay_where_they_describe_the_colours_and_are_small() {
    let with = |profile: Vec<u8>| plain(20, 20, [9; 3]).with_metadata(icc(profile));
    // In these bytes a profile names its colour space.
    let profile = [&[0; 16], b"RGB ".as_slice(), &[0; 108]].concat();
    assert_eq!(small(&with(profile.clone()), 10).metadata().icc, Some(profile.clone()));
    let linear = with(profile.clone()).with_light(Light::Linear);
    assert_eq!(small(&linear, 10).metadata().icc, None);
    let large = [profile, vec![0; 9000]].concat();
    assert_eq!(small(&with(large), 10).metadata().icc, None);
}
