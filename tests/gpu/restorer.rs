//! Photos through the library's front.

use mprnet::gpu::{Device, DeviceOptions};
use mprnet::graph::reflected;
use mprnet::image::{Frame, Light, Samples};
use mprnet::kernels::{Target, Variant};
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
    let restorer = tiny(RestorerOptions::default());
    let plain = tiny(RestorerOptions { passes: false, ..RestorerOptions::default() });
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

/// A host program that asks for nothing, and every browser, gives bindings of 128 MiB and 16 KiB of workgroup memory.
#[test]
fn default_limits_are_lived_with() {
    let limits = host_device().wgpu().limits();
    assert_eq!(limits.max_storage_buffer_binding_size, 128 << 20);
    assert_eq!(limits.max_compute_workgroup_storage_size, 16 << 10);
    let noisy = photo(61, 47);
    let on = |device: Device, precision| {
        let weights = Weights::embedded(Task::Denoise).unwrap();
        let options = RestorerOptions { precision, ..RestorerOptions::default() };
        Restorer::new(weights, device, options).restore(&noisy).unwrap()
    };
    for (precision, bound) in [(Precision::F32, 1), (Precision::F16, 3)] {
        let [most, least] = [crate::device().clone(), host_device()].map(|device| on(device, precision));
        assert!(difference(&least, &noisy) > 10, "nothing is restored");
        assert!(difference(&most, &least) <= bound, "{precision:?}: {}", difference(&most, &least));
    }
}

/// As if the photo had been padded before it was restored, and the result cropped.
#[test]
fn a_photo_is_padded_by_its_reflection() {
    let restorer = tiny(RestorerOptions::default());
    for (width, height) in [(13, 21), (3, 2), (16, 9)] {
        let noisy = photo(width, height);
        let (wide, high) = (width.next_multiple_of(16), height.next_multiple_of(16));
        let pixel = |x, y| {
            let at = 3 * (reflected(y, height) * width + reflected(x, width)) as usize;
            bytes(&noisy)[at..at + 3].to_vec()
        };
        let rgb = (0..wide * high).flat_map(|i| pixel(i % wide, i / wide)).collect();
        let whole = restorer.restore(&Frame::from_rgb8(wide, high, rgb).unwrap()).unwrap();
        let rows = bytes(&whole).chunks(3 * wide as usize).take(height as usize);
        let corner: Vec<u8> = rows.flat_map(|row| &row[..3 * width as usize]).copied().collect();
        assert_eq!(bytes(&restorer.restore(&noisy).unwrap()), corner, "{width}x{height}");
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
    let restorer = tiny(RestorerOptions::default());
    let noisy = photo(30, 20);
    let names = ["stage1_encoder.1", "stage1", "stage3_orsnet.orb1.body.0.body.1"].map(str::to_owned);
    let (restored, tensors) = restorer.capture(&noisy, &names, &mut |_| ()).unwrap();
    assert_eq!(difference(&restored, &restorer.restore(&noisy).unwrap()), 0);
    let shapes: Vec<String> = tensors.iter().map(|t| format!("{} {}", t.name, t.desc)).collect();
    assert_eq!(
        shapes,
        ["stage1_encoder.1 12x8x8", "stage1 3x20x30", "stage3_orsnet.orb1.body.0.body.1 12x16x16"]
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
    let restorer =
        Restorer::new(Weights::embedded(Task::Denoise).unwrap(), device, RestorerOptions::default());
    let restored = restorer.restore(&noisy).unwrap();
    assert_eq!((restored.width(), restored.height()), (4000, 3000));
    assert!(difference(&restored, &noisy) > 0);
}

/// A disc of a smooth pattern; what lies around it has these colours and does not show.
fn disc(around: Option<[u8; 3]>) -> Frame {
    let (width, height) = (96u32, 80u32);
    let inside = |x: u32, y: u32| x.abs_diff(48).pow(2) + y.abs_diff(40).pow(2) < 30 * 30;
    let pixels = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pattern = |x: u32, y: u32| [120 + x / 2, 90 + y / 2, 140 - (x + y) / 4].map(|v| v as u8);
    let color = |(x, y)| around.filter(|_| !inside(x, y)).unwrap_or_else(|| pattern(x, y));
    let frame = Frame::from_rgb8(width, height, pixels().flat_map(color).collect()).unwrap();
    match around {
        None => frame,
        Some(_) => {
            frame.with_alpha8(pixels().map(|(x, y)| if inside(x, y) { 255 } else { 0 }).collect()).unwrap()
        }
    }
}

#[test]
fn colours_that_do_not_show_stay_out_of_those_that_do() {
    let weights = Weights::embedded(Task::Denoise).unwrap();
    let restorer = Restorer::new(weights, host_device(), RestorerOptions::default());
    let (whole, shape) = (disc(None), disc(Some([0; 3])));
    let Some(Samples::U8(alpha)) = shape.alpha() else { panic!("the disc has a shape") };
    let visible = |frame: &Frame| -> Vec<[u8; 3]> {
        let pixels = bytes(frame).as_chunks().0.iter().zip(alpha);
        pixels.filter(|(_, alpha)| **alpha > 0).map(|(pixel, _)| *pixel).collect()
    };
    let moved = |restored: &Frame| {
        let pairs = visible(restored).into_iter().zip(visible(&whole));
        pairs.flat_map(|(a, b)| [0, 1, 2].map(|c| a[c].abs_diff(b[c]))).max().unwrap()
    };
    let without = moved(&restorer.restore(&whole).unwrap());
    let shown = [[0, 255, 0], [0, 0, 0], [255, 255, 255]].map(|around| {
        let photo = disc(Some(around));
        let restored = restorer.restore(&photo).unwrap();
        assert_eq!(restored.alpha(), photo.alpha());
        assert!(bytes(&restored)[..3] == around, "a hidden colour has changed");
        let moved = moved(&restored);
        assert!(
            moved <= without.max(2),
            "{around:?}: {moved} of 255 where without transparency it is {without}"
        );
        visible(&restored)
    });
    assert!(shown[0] == shown[1] && shown[1] == shown[2], "what does not show has an influence");
}

#[test]
fn linear_light_is_restored_as_the_curve_shows_it() {
    let restorer = tiny(RestorerOptions::default());
    let seen = photo(40, 24);
    let curve = |v: u8| {
        let value = f32::from(v) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let linear = Frame::from_rgb32f(40, 24, bytes(&seen).iter().map(|&v| curve(v)).collect()).unwrap();
    let restored = restorer.restore(&linear.with_light(Light::Linear)).unwrap();
    let Samples::F32(restored) = restored.samples() else { panic!("floats stay floats") };
    let expected = restorer.restore(&seen).unwrap();
    // Between two neighbouring values of 8 bits light grows by at most a hundredth.
    let close = |(light, &value): (&f32, &u8)| (light - curve(value)).abs() < 0.01;
    assert!(restored.iter().zip(bytes(&expected)).all(close));
}

/// Kernels are compiled while the photo is being restored.
#[test]
fn what_does_not_compile_is_replaced_under_way() {
    let restorer = |broken: Option<&'static str>| {
        let device = Device::new(&DeviceOptions::default()).expect("these tests need a GPU adapter");
        let device =
            broken.into_iter().fold(device, |d, shader| d.with_shader(shader, "no shader".to_owned()));
        let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
        Restorer::new(weights, device, RestorerOptions::default())
    };
    let noisy = photo(40, 24);
    let whole = restorer(None);
    let clean = whole.restore(&noisy).unwrap();
    let replaced = restorer(Some("conv3x3/winograd_output"));
    let restored = replaced.restore(&noisy).unwrap();
    assert!(difference(&restored, &clean) <= 1);
    assert!(difference(&restored, &replaced.restore(&noisy).unwrap()) == 0);
    // What is known not to suit an adapter counts as failed from the start.
    let [before, failed] = [&whole, &replaced].map(|r| Target::of(r.device(), Precision::F32).failed);
    let more: Vec<Variant> = failed.into_iter().filter(|variant| !before.contains(variant)).collect();
    let software = replaced.device().is_software();
    assert!(more == [Variant::Winograd4] || !software, "{more:?}");

    // The last operator of all, and nothing can take its place.
    let late = restorer(Some("crop"));
    let (mut before, names) = (Vec::new(), ["stage1".to_owned()]);
    let error = late.restore_with_progress(&noisy, &mut |progress| before.push(progress)).unwrap_err();
    assert!(matches!(&error, Error::Shader { kernel, .. } if kernel.starts_with("crop")), "{error}");
    assert!(before.iter().all(|progress| progress.done < progress.total), "{before:?}");
    let error = late.capture(&noisy, &names, &mut |_| ()).unwrap_err();
    assert!(matches!(error, Error::Shader { .. }), "{error}");
}
