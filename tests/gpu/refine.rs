//! What is asked of a photo beyond one network's result: strength, symmetries, chains, stages.

use mprnet::image::{Frame, Light, Samples};
use mprnet::model::{Stage, Weights};
use mprnet::{Error, Progress, Restored, Restorer, RestorerOptions};

use crate::common::golden_path;
use crate::host_device;
use crate::restorer::{bytes, photo};

const WIDTH: u32 = 37;
const HEIGHT: u32 = 22;

fn weights(name: &str) -> Weights {
    Weights::read(&golden_path(name)).unwrap()
}

fn tiny(options: RestorerOptions) -> Restorer {
    Restorer::new(weights("tiny.safetensors"), host_device(), options)
}

fn with_strength(strength: f32) -> Restorer {
    tiny(RestorerOptions { strength, ..RestorerOptions::default() })
}

fn averaging() -> Restorer {
    tiny(RestorerOptions { symmetries: true, ..RestorerOptions::default() })
}

fn floats(frame: &Frame) -> &[f32] {
    let Samples::F32(units) = frame.samples() else { panic!("floats are expected") };
    units
}

/// The photo in floats, as a float TIFF would have it.
fn in_floats(photo: &Frame) -> Frame {
    let units = bytes(photo).iter().map(|&v| f32::from(v) / 255.0).collect();
    Frame::from_rgb32f(photo.width(), photo.height(), units).unwrap()
}

/// Rounded to 8 bits.
fn rounded(units: impl Iterator<Item = f32>) -> Vec<u8> {
    units.map(|unit| (unit.clamp(0.0, 1.0) * 255.0).round_ties_even() as u8).collect()
}

/// Every kind of photo: 8 and 16 bits and floats, grey, linear light, with colours that do not show.
fn kinds() -> [Frame; 5] {
    let noisy = photo(WIDTH, HEIGHT);
    let alpha = (0..WIDTH * HEIGHT).map(|i| (i % 3 * 100) as u8).collect();
    let wide = bytes(&noisy).iter().map(|&v| u16::from(v) * 251).collect();
    // Beyond black and white too.
    let units = floats(&in_floats(&noisy)).iter().map(|unit| unit * 1.5 - 0.25).collect();
    let grey: Vec<u8> = bytes(&noisy).iter().copied().step_by(3).collect();
    [
        noisy.clone().with_alpha8(alpha).unwrap(),
        Frame::from_rgb16(WIDTH, HEIGHT, wide).unwrap(),
        Frame::from_rgb32f(WIDTH, HEIGHT, units).unwrap(),
        Frame::from_grey8(WIDTH, HEIGHT, &grey).unwrap(),
        noisy.with_light(Light::Linear),
    ]
}

#[test]
fn no_strength_is_the_photo_and_full_strength_the_result() {
    let (none, full, plain) = (with_strength(0.0), with_strength(1.0), tiny(RestorerOptions::default()));
    for photo in kinds() {
        assert_eq!(none.restore(&photo).unwrap(), photo);
        let restored = full.restore(&photo).unwrap();
        assert!(restored != photo && restored == plain.restore(&photo).unwrap());
    }
}

#[test]
fn strength_is_how_far_the_way_is_gone() {
    let noisy = photo(WIDTH, HEIGHT);
    let units = in_floats(&noisy);
    let restored = tiny(RestorerOptions::default()).restore(&units).unwrap();
    for strength in [0.25, 0.5, 0.9] {
        let pairs = floats(&units).iter().zip(floats(&restored));
        let blend: Vec<f32> = pairs.map(|(a, b)| a + strength * (b - a)).collect();
        let restorer = with_strength(strength);
        assert_eq!(floats(&restorer.restore(&units).unwrap()), blend);
        let rounded = rounded(blend.into_iter());
        assert_eq!(bytes(&restorer.restore(&noisy).unwrap()), rounded);
        assert!(rounded != bytes(&noisy));
    }
    for photo in kinds() {
        let blended = with_strength(0.5).restore(&photo).unwrap();
        let same = (blended.width(), blended.alpha(), blended.is_grey(), blended.light());
        assert_eq!(same, (photo.width(), photo.alpha(), photo.is_grey(), photo.light()));
        assert_eq!(blended.samples().depth(), photo.samples().depth());
    }
    for strength in [-0.1, 1.1, f32::NAN] {
        let refused = with_strength(strength).restore(&noisy);
        assert!(
            matches!(refused, Err(Error::Input(text)) if text.contains("is not from 0 to 1")),
            "{strength}"
        );
    }
}

/// Turned by a quarter to the right, or mirrored.
fn turned(frame: &Frame, mirrored: bool) -> Frame {
    let (width, height) = (frame.width(), frame.height());
    let units = floats(frame);
    let at = |x: u32, y: u32| ((y * width + x) * 3) as usize;
    let size = if mirrored { (width, height) } else { (height, width) };
    let from = |x: u32, y: u32| if mirrored { at(width - 1 - x, y) } else { at(y, height - 1 - x) };
    let places = (0..size.1).flat_map(|y| (0..size.0).map(move |x| from(x, y)));
    let units = places.flat_map(|at| units[at..at + 3].to_vec()).collect();
    Frame::from_rgb32f(size.0, size.1, units).unwrap()
}

#[test]
fn symmetries_are_the_mean_of_eight() {
    let noisy = photo(WIDTH, HEIGHT);
    let plain = tiny(RestorerOptions::default());
    let mut sums = vec![0.0; bytes(&noisy).len()];
    for mirrored in [false, true] {
        for quarters in 0..4 {
            let mut view = in_floats(&noisy);
            if mirrored {
                view = turned(&view, true);
            }
            for _ in 0..quarters {
                view = turned(&view, false);
            }
            let mut restored = plain.restore(&view).unwrap();
            for _ in 0..(4 - quarters) % 4 {
                restored = turned(&restored, false);
            }
            if mirrored {
                restored = turned(&restored, true);
            }
            sums.iter_mut().zip(floats(&restored)).for_each(|(sum, unit)| *sum += f64::from(*unit));
        }
    }
    let mean: Vec<f64> = sums.into_iter().map(|sum| sum / 8.0).collect();
    let found = averaging().restore(&in_floats(&noisy)).unwrap();
    // Each of eight is rounded to 2^-28, and their mean to a float.
    let far = floats(&found).iter().zip(&mean).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(far <= 0.5_f64.powi(25) + 0.5_f64.powi(29), "{far:e}");
    assert_eq!(bytes(&averaging().restore(&noisy).unwrap()), rounded(floats(&found).iter().copied()));
    assert!(found != plain.restore(&in_floats(&noisy)).unwrap());
}

/// As the photo is, so is the result, to the bit; without averaging it is not.
#[test]
fn a_symmetric_photo_stays_symmetric() {
    let noisy = in_floats(&photo(WIDTH, WIDTH));
    let mirror = turned(&noisy, true);
    let units = floats(&noisy).iter().zip(floats(&mirror)).map(|(a, b)| f32::midpoint(*a, *b));
    let symmetric = Frame::from_rgb32f(WIDTH, WIDTH, units.collect()).unwrap();
    assert_eq!(turned(&symmetric, true), symmetric);
    let restored = averaging().restore(&symmetric).unwrap();
    assert_eq!(turned(&restored, true), restored);
    let plain = tiny(RestorerOptions::default()).restore(&symmetric).unwrap();
    assert_ne!(turned(&plain, true), plain);
}

/// Between its models a chain leaves an image on the device, where nothing bounds it; the bytes are the same.
#[test]
fn a_chain_stays_on_the_device() {
    let noisy = in_floats(&photo(WIDTH, HEIGHT));
    let (pixels, rows) = (u64::from(WIDTH * HEIGHT), u64::from(HEIGHT.div_ceil(8)));
    let second = weights("tiny_shuffle2.safetensors");
    let run = |restorer: Restorer| {
        let Restored { frame, spent, .. } = restorer.photo(&noisy).run().unwrap();
        (frame, spent.moved_bytes, spent.device_bytes)
    };
    let within = |max_memory| RestorerOptions { max_memory, ..RestorerOptions::default() };
    let chain = |max_memory| run(tiny(within(max_memory)).followed_by(second.clone()));
    let (on_device, moved, _) = chain(None);
    // The photo there, the result back, and of each model what tells whether its numbers are finite.
    assert_eq!(moved, 2 * 16 * pixels + 2 * 16 * rows);
    let (by_host, moved, held) = chain(Some(1 << 30));
    assert_eq!(moved, 4 * 16 * pixels);
    assert_eq!(on_device, by_host);
    // What the first model has taken stays for the next photo.
    let other = Restorer::new(second.clone(), host_device(), within(Some(1 << 30)));
    assert_eq!(held, run(tiny(within(Some(1 << 30)))).2 + run(other).2);
}

#[test]
fn chains_hand_floats_on() {
    let (first, second) = (weights("tiny.safetensors"), weights("tiny_shuffle2.safetensors"));
    let of = |weights: &Weights, options| Restorer::new(weights.clone(), host_device(), options);
    let noisy = photo(WIDTH, HEIGHT);
    for symmetries in [false, true] {
        let options = RestorerOptions { symmetries, ..RestorerOptions::default() };
        let between = of(&first, options).restore(&in_floats(&noisy)).unwrap();
        let by_hand = of(&second, options).restore(&between).unwrap();
        let chain = of(&first, options).followed_by(second.clone());
        assert_eq!(chain.restore(&in_floats(&noisy)).unwrap(), by_hand);
        let found = chain.restore(&noisy).unwrap();
        assert_eq!(bytes(&found), rounded(floats(&by_hand).iter().copied()));
        if symmetries {
            continue;
        }
        // Rounding in between would show.
        let rounding = of(&second, options).restore(&of(&first, options).restore(&noisy).unwrap()).unwrap();
        assert_ne!(rounding, found);
        let half = RestorerOptions { strength: 0.5, ..options };
        let blended = of(&first, half).followed_by(second.clone()).restore(&in_floats(&noisy)).unwrap();
        let units = in_floats(&noisy);
        let pairs = floats(&units).iter().zip(floats(&by_hand)).map(|(a, b)| a + 0.5 * (b - a));
        assert_eq!(floats(&blended), pairs.collect::<Vec<_>>());
    }
}

#[test]
fn stages_are_what_they_would_be_as_the_last() {
    let noisy = photo(WIDTH, HEIGHT);
    for options in [
        RestorerOptions::default(),
        RestorerOptions { strength: 0.5, ..RestorerOptions::default() },
        RestorerOptions { symmetries: true, ..RestorerOptions::default() },
    ] {
        let restorer = tiny(options);
        let Restored { frame, stages, .. } = restorer.photo(&noisy).keep_stages().run().unwrap();
        assert_eq!(frame, restorer.restore(&noisy).unwrap());
        let [one, two] = &stages[..] else { panic!("{} stages", stages.len()) };
        for (stage, image) in [(Stage::One, one), (Stage::Two, two)] {
            let expected = tiny(RestorerOptions { stage, ..options }).restore(&noisy).unwrap();
            let far = bytes(image).iter().zip(bytes(&expected)).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(far <= Some(1) && image != &frame, "{stage:?}: {far:?}");
        }
    }
    let untouched = with_strength(0.0).photo(&noisy).keep_stages().run().unwrap();
    assert_eq!(untouched.stages, [noisy.clone(), noisy.clone()]);
    assert!(with_strength(0.5).photo(&noisy).run().unwrap().stages.is_empty());
    // Tensors that are asked for are computed all the same.
    let names = ["stage1".to_owned()];
    let (frame, tensors) = with_strength(0.0).capture(&noisy, &names, &mut |_| ()).unwrap();
    assert!(frame == noisy && tensors.len() == 1);
}

#[test]
fn progress_runs_to_its_end_once() {
    let options = RestorerOptions { symmetries: true, ..RestorerOptions::default() };
    let chain = tiny(options).followed_by(weights("tiny_bias_slopes.safetensors"));
    let mut seen: Vec<f64> = Vec::new();
    let tell = |Progress { done, total }| seen.push(done as f64 / total as f64);
    chain.photo(&photo(WIDTH, HEIGHT)).progress(tell).restore().unwrap();
    assert!(seen.len() >= 16 && seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
    assert!(seen[0] < 0.1 && seen[seen.len() - 1] > 0.98, "{seen:?}");
}
