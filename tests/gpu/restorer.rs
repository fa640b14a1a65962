//! Photos through the library's front.

use mprnet::image::{Frame, Samples};
use mprnet::model::{Task, Weights};
use mprnet::plan::Precision;
use mprnet::{Error, Progress, Restorer, RestorerOptions};

use crate::common::{Random, golden_path};
use crate::host_device;

fn tiny(options: RestorerOptions) -> Restorer {
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    Restorer::new(weights, host_device(), options)
}

pub fn photo(width: u32, height: u32) -> Frame {
    let mut random = Random::new(u64::from(width * 1000 + height));
    Frame::from_rgb8(width, height, (0..width * height * 3).map(|_| random.below(256) as u8).collect())
        .unwrap()
}

pub fn bytes(frame: &Frame) -> &[u8] {
    match frame.samples() {
        Samples::U8(bytes) => bytes,
        _ => panic!("8 bits are expected"),
    }
}

/// The most that any value differs.
pub fn difference(a: &Frame, b: &Frame) -> u8 {
    bytes(a).iter().zip(bytes(b)).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn any_size_on_the_hosts_device_with_and_without_passes() {
    let mut restorer = tiny(RestorerOptions::default());
    let mut plain = tiny(RestorerOptions { passes: false, ..RestorerOptions::default() });
    // More sizes than executors are kept, and the first again.
    for (width, height) in [(1, 1), (1, 19), (17, 16), (33, 5), (48, 40), (7, 9), (1, 1)] {
        let noisy = photo(width, height);
        let restored = restorer.restore(&noisy).unwrap();
        assert_eq!((restored.width(), restored.height()), (width, height));
        assert!(difference(&restored, &noisy) > 0, "{width}x{height} is unchanged");
        assert!(difference(&restored, &plain.restore(&noisy).unwrap()) <= 1, "{width}x{height}");
        assert!(difference(&restored, &restorer.restore(&noisy).unwrap()) == 0, "{width}x{height}");
    }
}

#[test]
fn depths_and_precisions_agree() {
    let noisy = photo(40, 24);
    let restored = tiny(RestorerOptions::default()).restore(&noisy).unwrap();
    let wide = bytes(&noisy).iter().map(|&v| u16::from(v) * 257).collect();
    let deep = tiny(RestorerOptions::default()).restore(&Frame::from_rgb16(40, 24, wide).unwrap()).unwrap();
    let Samples::U16(deep) = deep.samples() else { panic!("16 bits stay 16 bits") };
    let narrow = deep.iter().map(|&v| (f64::from(v) / 257.0).round() as u8).collect();
    assert!(difference(&restored, &Frame::from_rgb8(40, 24, narrow).unwrap()) <= 1);
    let half = RestorerOptions { precision: Precision::F16, ..RestorerOptions::default() };
    let half = tiny(half).restore(&noisy).unwrap();
    assert!(difference(&restored, &half) <= 4, "f16 is off by {}", difference(&restored, &half));
}

#[test]
fn tensors_are_captured_by_name() {
    let mut restorer = tiny(RestorerOptions::default());
    let noisy = photo(30, 20);
    let names = ["stage1_encoder.1", "stage1", "stage3_orsnet.orb1.body.0.body.1"].map(str::to_owned);
    let (restored, tensors) = restorer.capture(&noisy, &names, &mut |_| ()).unwrap();
    assert_eq!(difference(&restored, &restorer.restore(&noisy).unwrap()), 0);
    let shapes: Vec<String> = tensors.iter().map(|t| format!("{} {}", t.name, t.desc)).collect();
    assert_eq!(
        shapes,
        ["stage1_encoder.1 12x8x8", "stage1 3x32x32", "stage3_orsnet.orb1.body.0.body.1 12x16x16"]
    );
    let unknown = restorer.capture(&noisy, &["nothing".to_owned()], &mut |_| ());
    assert!(matches!(unknown, Err(Error::UnknownTensor { name }) if name == "nothing"));
}

#[test]
fn progress_runs_to_its_end() {
    let mut seen: Vec<Progress> = Vec::new();
    tiny(RestorerOptions::default()).restore_with_progress(&photo(64, 64), &mut |p| seen.push(p)).unwrap();
    assert!(seen.windows(2).all(|pair| pair[0].done < pair[1].done), "{seen:?}");
    let last = seen.last().unwrap();
    // Windows round work down to whole units, so the sum may fall a little short of the total.
    assert!(last.done <= last.total && last.done * 100 >= last.total * 99, "{last:?}");
}

#[test]
#[cfg_attr(not(feature = "heavy-tests"), ignore = "minutes on a software adapter: --features heavy-tests")]
fn twelve_megapixels_complete() {
    let noisy = photo(4000, 3000);
    let device = mprnet::gpu::Device::new(&mprnet::gpu::DeviceOptions::default()).unwrap();
    let mut restorer =
        Restorer::new(Weights::embedded(Task::Denoise).unwrap(), device, RestorerOptions::default());
    let restored = restorer.restore(&noisy).unwrap();
    assert_eq!((restored.width(), restored.height()), (4000, 3000));
    assert!(difference(&restored, &noisy) > 0);
}
