//! What follows from the definitions, whatever the pictures are.

use mprnet::Error;
use mprnet::image::Frame;
use mprnet::metrics::{Protocol, SSIM_WINDOW, Score, luma, psnr, score, ssim};
use mprnet::model::Task;
use proptest::prelude::*;

const PROTOCOLS: [Protocol; 2] = [Protocol::Rgb, Protocol::Y];

fn picture(width: u32, height: u32) -> impl Strategy<Value = Frame> {
    let samples = (width * height * 3) as usize;
    prop::collection::vec(any::<u8>(), samples)
        .prop_map(move |rgb| Frame::from_rgb8(width, height, rgb).unwrap())
}

fn pair() -> impl Strategy<Value = (Frame, Frame)> {
    (SSIM_WINDOW..24, SSIM_WINDOW..24).prop_flat_map(|(w, h)| (picture(w, h), picture(w, h)))
}

fn rgb(frame: &Frame) -> Vec<u8> {
    frame.to_rgb8()
}

/// The picture mirrored at its diagonal.
fn transposed(frame: &Frame) -> Frame {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let samples = rgb(frame);
    let pixel = |x: usize, y: usize| samples[3 * (y * width + x)..][..3].to_vec();
    let turned = (0..width).flat_map(|x| (0..height).map(move |y| (x, y))).flat_map(|(x, y)| pixel(x, y));
    Frame::from_rgb8(frame.height(), frame.width(), turned.collect()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_a_pair_does_not_matter((a, b) in pair()) {
        for protocol in PROTOCOLS {
            prop_assert_eq!(psnr(&a, &b, protocol).unwrap(), psnr(&b, &a, protocol).unwrap());
            let apart = ssim(&a, &b, protocol).unwrap() - ssim(&b, &a, protocol).unwrap();
            prop_assert!(apart.abs() < 1e-12, "{}", apart);
        }
    }

    #[test]
    fn rows_and_columns_are_alike((a, b) in pair()) {
        for protocol in PROTOCOLS {
            let (upright, turned) = (score(&a, &b, protocol).unwrap(), score(&transposed(&a), &transposed(&b), protocol).unwrap());
            prop_assert_eq!(upright.psnr, turned.psnr);
            prop_assert!((upright.ssim - turned.ssim).abs() < 1e-12, "{:?} {:?}", upright, turned);
        }
    }

    #[test]
    fn equal_pictures_are_equal((a, _) in pair()) {
        for protocol in PROTOCOLS {
            prop_assert_eq!(score(&a, &a, protocol).unwrap(), Score { psnr: f64::INFINITY, ssim: 1.0 });
        }
    }

    #[test]
    fn similarity_is_at_most_one((a, b) in pair()) {
        for protocol in PROTOCOLS {
            prop_assert!((-1.0..=1.0).contains(&ssim(&a, &b, protocol).unwrap()));
        }
    }

    #[test]
    fn luma_is_the_formula_rounded(r: u8, g: u8, b: u8) {
        let [r64, g64, b64] = [r, g, b].map(f64::from);
        let exact = 16.0 + (65.481 * r64 + 128.553 * g64 + 24.966 * b64) / 255.0;
        prop_assert!((f64::from(luma([r, g, b])) - exact).abs() <= 0.5 + 1e-9);
    }
}

/// By hand: a sample of 12 x 11 x 3 differs by 3, so 10 log10(255^2 * 396 / 9) dB.
#[test]
fn psnr_by_hand() {
    let target = Frame::from_rgb8(12, 11, vec![100; 396]).unwrap();
    let mut samples = rgb(&target);
    samples[200] = 103;
    let image = Frame::from_rgb8(12, 11, samples).unwrap();
    let expected = 10.0 * (65025.0_f64 * 396.0 / 9.0).log10();
    assert!((psnr(&image, &target, Protocol::Rgb).unwrap() - expected).abs() < 1e-9);
}

/// By hand, of one pixel: its three colours are all that windows of the volume see, beyond which the outer two are
/// repeated. Around red lie 6 taps of it, one of green and 4 of blue.
#[test]
fn ssim_of_colours_goes_through_the_channels() {
    let taps: Vec<f64> = (-5..=5).map(|i| (-f64::from(i * i) / 4.5).exp()).collect();
    let all: f64 = taps.iter().sum();
    let outer = taps[..6].iter().sum::<f64>() / all;
    let (inner, far) = (taps[6] / all, taps[7..].iter().sum::<f64>() / all);
    let beside = taps[..5].iter().sum::<f64>() / all;
    let windows = [[outer, inner, far], [beside, taps[5] / all, beside], [far, inner, outer]];
    let (a, b) = ([40.0, 90.0, 200.0], [60.0, 80.0, 190.0]);
    let (c1, c2) = (2.55 * 2.55, 7.65 * 7.65);
    let similarity = windows.map(|window| {
        let mean = |of: &dyn Fn(usize) -> f64| (0..3).map(|i| window[i] * of(i)).sum::<f64>();
        let (mean_a, mean_b) = (mean(&|i| a[i]), mean(&|i| b[i]));
        let variances = mean(&|i| a[i] * a[i] + b[i] * b[i]) - mean_a * mean_a - mean_b * mean_b;
        let covariance = mean(&|i| a[i] * b[i]) - mean_a * mean_b;
        (2.0 * mean_a * mean_b + c1) * (2.0 * covariance + c2)
            / ((mean_a * mean_a + mean_b * mean_b + c1) * (variances + c2))
    });
    let pixel = |values: [f64; 3]| Frame::from_rgb8(1, 1, values.map(|v| v as u8).to_vec()).unwrap();
    let found = ssim(&pixel(a), &pixel(b), Protocol::Rgb).unwrap();
    assert!((found - similarity.iter().sum::<f64>() / 3.0).abs() < 1e-12, "{found}");
}

/// Without contrast, only the luminance term is left: (2 * 100 * 110 + C1) / (100^2 + 110^2 + C1).
#[test]
fn ssim_of_flat_pictures_by_hand() {
    let flat = |grey: u8| Frame::from_grey8(15, 12, &[grey; 180]).unwrap();
    let c1 = 2.55 * 2.55;
    let expected = (22_000.0 + c1) / (22_100.0 + c1);
    assert!((ssim(&flat(100), &flat(110), Protocol::Rgb).unwrap() - expected).abs() < 1e-9);
}

#[test]
fn luma_by_hand() {
    // 16 + 219 * 0.299 = 81.481; + 219 * 0.587 = 144.553; + 219 * 0.114 = 40.966.
    for (colour, y) in
        [([255, 0, 0], 81), ([0, 255, 0], 145), ([0, 0, 255], 41), ([255; 3], 235), ([0; 3], 16)]
    {
        assert_eq!(luma(colour), y, "{colour:?}");
    }
    // 16 + 0.219 / 255 * (587 * 204 + 114 * 68) is 125.5 exactly.
    assert_eq!(luma([0, 204, 68]), 125 + 1);
}

/// 16 bits are rounded: 257 a step, and halves cannot be.
#[test]
fn deep_frames_count_as_8_bits() {
    let shallow = Frame::from_rgb8(11, 11, (0..363).map(|i| (i * 7 % 256) as u8).collect()).unwrap();
    for offset in [-128, 0, 128] {
        let deep =
            rgb(&shallow).iter().map(|&v| (i32::from(v) * 257 + offset).clamp(0, 65535) as u16).collect();
        let deep = Frame::from_rgb16(11, 11, deep).unwrap();
        assert_eq!(psnr(&deep, &shallow, Protocol::Rgb).unwrap(), f64::INFINITY, "{offset}");
    }
}

#[test]
fn transparency_does_not_count() {
    let plain = Frame::from_rgb8(11, 11, vec![50; 363]).unwrap();
    let transparent = plain.clone().with_alpha8(vec![7; 121]).unwrap();
    assert_eq!(score(&transparent, &plain, Protocol::Y).unwrap().ssim, 1.0);
}

#[test]
fn sizes_that_differ() {
    let frame = |w: u32, h: u32| Frame::from_grey8(w, h, &vec![9; (w * h) as usize]).unwrap();
    for protocol in PROTOCOLS {
        // As many pixels, and yet.
        let error = score(&frame(12, 24), &frame(24, 12), protocol).unwrap_err();
        assert!(matches!(
            error,
            Error::SizesDiffer { width: 12, height: 24, target_width: 24, target_height: 12 }
        ));
        assert!(error.to_string().contains("12 x 24 pixels and its target 24 x 12"), "{error}");
        assert!(ssim(&frame(12, 24), &frame(24, 12), protocol).is_err());
    }
}

#[test]
fn too_small_for_a_window() {
    for (width, height) in [(10, 11), (11, 10), (1, 1), (300, 3)] {
        let frame = Frame::from_grey8(width, height, &vec![9; (width * height) as usize]).unwrap();
        let error = ssim(&frame, &frame, Protocol::Y).unwrap_err();
        assert!(matches!(error, Error::TooSmallForSsim { .. }));
        assert!(error.to_string().contains("choose larger images"), "{error}");
        // PSNR asks for no window, and MATLAB's SSIM fills it up.
        assert_eq!(psnr(&frame, &frame, Protocol::Y).unwrap(), f64::INFINITY);
        assert_eq!(ssim(&frame, &frame, Protocol::Rgb).unwrap(), 1.0);
    }
}

#[test]
fn means() {
    let score = |psnr, ssim| Score { psnr, ssim };
    assert_eq!(Score::mean(&[]), None);
    assert_eq!(Score::mean(&[score(30.0, 0.5), score(20.0, 1.0)]), Some(score(25.0, 0.75)));
    let equal = score(f64::INFINITY, 1.0);
    assert_eq!(Score::mean(&[equal, score(20.0, 0.5)]), Some(score(f64::INFINITY, 0.75)));
}

#[test]
fn protocols_of_the_tasks() {
    assert_eq!(Task::ALL.map(|task| Protocol::of(task).name()), ["y", "rgb", "rgb"]);
}
