//! Numbers past f16's range: moves of powers of two, calibration, and f32 where nothing else helps.

use std::path::Path;

use mprnet::gpu::{Device, Maker};
use mprnet::graph::{Graph, Groups, KernelSize, Op, Patches, Role, TensorDesc, TensorId, passes, rescale};
use mprnet::image::{self, Frame};
use mprnet::model::{self, Export, FeaturePeaks, ImageFormat, Mode, NetworkOptions, Stage, Task, Weights};
use mprnet::plan::Precision;
use mprnet::tune::Tuning;
use mprnet::{
    CALIBRATION_SIDE, CalibrationPhoto, Calibrator, Error, ExecutorOptions, Restorer, RestorerOptions, Values,
};

use crate::common::{Random, assert_close, feature};
use crate::overflowing::{changed, loud, steep, tiny};
use crate::restorer::{bytes, photo};
use crate::tensors::Golden;
use crate::{device, execute, execute_on, host_device, packed_device, planar};

const HALF: RestorerOptions = RestorerOptions {
    precision: Precision::F16,
    stage: Stage::Three,
    mode: Mode::Global,
    strength: 1.0,
    symmetries: false,
    max_memory: None,
    trace_overflow: false,
    passes: true,
    tuning: Tuning::Off,
};

/// What f16 storage costs the tiny networks, well below the 48 dB of rounding to 8 bits.
const DECIBELS: f64 = 60.0;

fn network(weights: &Weights, keep: &[&str]) -> Graph {
    let keep = keep.iter().map(|&name| name.to_owned()).collect();
    let options = NetworkOptions {
        height: 24,
        width: 40,
        format: ImageFormat::Planar,
        stage: Stage::Three,
        mode: Mode::Global,
        keep,
    };
    model::build(weights, &options).unwrap()
}

fn same_bits(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn moves_change_no_bit_in_f32() {
    let input = [Values::Planar(Golden::read("tiny_bias_slopes_24x40.safetensors").values("input").to_vec())];
    let defined = network(&tiny(), &["stage1", "stage2", "sam12", "stage2_encoder.1", "shallow_feat3"]);
    for graph in [passes::optimize(defined.clone()).unwrap(), defined] {
        let mut random = Random::new(4);
        let tensors: Vec<TensorId> = graph.nodes().iter().flat_map(|n| n.outputs.clone()).collect();
        let measured: Vec<(TensorId, i32)> =
            tensors.into_iter().map(|t| (t, random.below(25) as i32 - 12)).collect();
        let exponents = Groups::of(&graph).exponents(&graph, &measured);
        assert!(exponents.iter().filter(|&&e| e != 0).count() > 150);
        let mut moved = graph.clone();
        rescale(&mut moved, &exponents);
        for precision in [Precision::F32, Precision::Exact] {
            let options = ExecutorOptions { precision, ..ExecutorOptions::default() };
            let [expected, actual] = [&graph, &moved].map(|g| execute(g, &input, &options));
            for ((id, expected), actual) in graph.outputs().iter().zip(&expected).zip(&actual) {
                let scale = (exponents[id.0] as f32).exp2();
                let scaled: Vec<f32> = planar(expected).iter().map(|v| v * scale).collect();
                let same = same_bits(&scaled, planar(actual));
                assert!(same, "{} times {scale}, {precision:?}", graph.tensor(*id).name);
            }
        }
    }
}

/// Sums of two numbers each that f16 holds, stored in f16.
fn sums_in_f16(device: &Device, terms: &[(f32, f32)]) -> Vec<f32> {
    let desc = feature(terms.len() as u32, 1, 1, Patches::WHOLE);
    let mut graph = Graph::new();
    let inputs = ["a", "b"].map(|name| graph.add_input(name, desc));
    graph.push("sum", Op::Add, &inputs, Patches::WHOLE).unwrap();
    let sum = graph.nodes()[0].outputs[0];
    graph.mark_output(sum);
    let values = [terms.iter().map(|(a, _)| *a).collect(), terms.iter().map(|(_, b)| *b).collect()];
    let options = ExecutorOptions { precision: Precision::F16, ..ExecutorOptions::default() };
    let found = execute_on(device, &graph, &values.map(Values::Planar), &options);
    planar(&found[0]).to_vec()
}

/// Some drivers' conversions cut off what f16 does not hold.
#[test]
fn what_is_stored_in_f16_is_rounded_to_nearest() {
    let ulp = (-10_f32).exp2();
    // Less and more than half of a unit in the last place, and ties, whose even neighbour is below or above.
    let near_one = [0.25, 0.5, 0.75, 1.25, 1.5, 1.75].map(|units: f32| (1.0, units * ulp));
    let mut random = Random::new(16);
    let mut drawn = || half::f16::from_f32(4.0 * random.next()).to_f32();
    let terms: Vec<(f32, f32)> = near_one
        .into_iter()
        .chain(near_one.map(|(a, b)| (-a, -b)))
        .chain((0..4000).map(|_| (drawn(), drawn() / 64.0)))
        .collect();
    for device in [device(), packed_device()] {
        let found = sums_in_f16(device, &terms);
        for ((a, b), found) in terms.iter().zip(found) {
            let nearest = half::f16::from_f32(a + b).to_f32();
            // f16 holds less of what is below its normal numbers.
            let off = if nearest.abs() < half::f16::MIN_POSITIVE.to_f32() { 1e-7 } else { 0.0 };
            assert!((nearest - found).abs() <= off, "{a} + {b} is stored as {found}, not {nearest}");
        }
    }
}

/// Drivers may make the largest number of f16 of what is larger: a picture that is finite and wrong.
#[test]
fn what_f16_does_not_hold_is_infinite() {
    // Of each quad one that overflows; 65,520 is halfway between 65,504 and the next one that there would be.
    let fine = [(65504.0, 15.0), (60000.0, -60000.0), (0.0, 1e-7), (1.0, 2.0)];
    let beyond = [(65504.0, 16.0), (40000.0, 40000.0), (-65504.0, -16.0), (-40000.0, -40000.0)];
    let quads = beyond.iter().enumerate().flat_map(|(i, &over)| {
        let mut quad = fine;
        quad[i] = over;
        quad
    });
    let terms: Vec<(f32, f32)> = fine.into_iter().chain(quads).collect();
    for device in [device(), packed_device()] {
        let found = sums_in_f16(device, &terms);
        assert_eq!(found[..2], [65504.0, 0.0]);
        assert!(found[..4].iter().all(|v| v.is_finite()), "{found:?}");
        let over = (0..beyond.len()).map(|i| found[4 + 5 * i]);
        assert!(over.clone().all(|v| !v.is_finite()), "{found:?}");
    }
}

/// Rounding by the bits of a number must not carry out of them: of NVIDIA's not-a-number all but the sign are ones.
#[test]
fn what_is_no_number_stays_none_in_f16() {
    let image = TensorDesc { role: Role::Image, ..feature(3, 1, 8, Patches::WHOLE) };
    let mut graph = Graph::new();
    let input = graph.add_input("image", image);
    let conv = Random::new(17).conv(&mut graph, KernelSize::One, 8, 3, true);
    let features = graph.push("conv", Op::Conv(conv), &[input], Patches::WHOLE).unwrap();
    graph.mark_output(features);
    let options = ExecutorOptions { precision: Precision::F16, ..ExecutorOptions::default() };
    for device in [device(), packed_device()] {
        for bits in [0x7fc0_0000, 0xffc0_0000, 0x7fff_efff, 0x7fff_f000, 0x7fff_ffff, 0xffff_ffff] {
            let none = Values::Planar(vec![f32::from_bits(bits); 3 * 8]);
            let found = execute_on(device, &graph, &[none], &options).remove(0);
            assert!(planar(&found).iter().all(|v| !v.is_finite()), "{bits:x}: {found:?}");
        }
    }
}

#[test]
fn what_overflows_f16_fits_when_moved() {
    let (tiny, loud) = (tiny(), loud());
    let noisy = photo(40, 24);
    let planes = Values::Planar(noisy.to_planar());
    let graph = passes::optimize(network(&loud, &[])).unwrap();
    let run = |graph: &Graph, precision| {
        let options = ExecutorOptions { precision, ..ExecutorOptions::default() };
        execute(graph, std::slice::from_ref(&planes), &options).remove(0)
    };
    let single = run(&graph, Precision::F32);
    let quiet = run(&passes::optimize(network(&tiny, &[])).unwrap(), Precision::F32);
    assert!(same_bits(planar(&single), planar(&quiet)), "the gains change the network");
    let overflowed = run(&graph, Precision::F16);
    assert!(planar(&overflowed).iter().any(|v| !v.is_finite()), "f16 holds it without moves");

    let calibrator = Calibrator::new(loud.clone(), host_device());
    let middle = CalibrationPhoto::of(&noisy, &loud, CALIBRATION_SIDE).unwrap();
    let peaks = calibrator.peaks(&middle).unwrap();
    let moves: Vec<&str> = peaks.moves().map(|(name, _)| name).collect();
    let expected = ["shallow_feat2.0", "stage1_encoder.encoder_level2.1.body.1"];
    assert_eq!(moves, expected);
    let deviation = calibrator.deviation(&middle, &peaks).unwrap();
    println!("{} dB, {:?}", deviation.psnr(), peaks);
    assert!(deviation.psnr() > DECIBELS, "{} dB", deviation.psnr());
    // What is moved costs no more than what never had to be.
    let quiet = Calibrator::new(tiny, host_device());
    let usual = quiet.deviation(&middle, &quiet.peaks(&middle).unwrap()).unwrap();
    assert!(deviation.psnr() > usual.psnr() - 1.0, "{} dB, {} dB", deviation.psnr(), usual.psnr());
    assert!(matches!(calibrator.deviation(&middle, &FeaturePeaks::default()), Err(Error::NotFinite(_))));
}

/// Restored in f16 and in f32: the bytes, and the widest precision that it took. By kernels for GPUs, which take least memory.
fn restored(weights: &Weights, options: RestorerOptions) -> (Vec<u8>, Precision) {
    let device = host_device().with_kernels_for(Maker::Other);
    let restorer = Restorer::new(weights.clone(), device, options);
    let result = restorer.restore(&photo(40, 24)).unwrap();
    (bytes(&result).to_vec(), restorer.widest_precision())
}

fn calibrated(weights: &Weights, peaks: FeaturePeaks) -> Weights {
    let file = weights.to_safetensors(&Export { peaks: Some(peaks), ..Export::default() }).unwrap();
    Weights::from_safetensors(&file, "calibrated").unwrap()
}

#[test]
fn photos_are_restored_in_f16_with_and_without_calibration() {
    let loud = loud();
    let (single, _) = restored(&loud, RestorerOptions::default());
    let (measured, precision) = restored(&loud, HALF);
    assert_eq!(precision, Precision::F16);
    assert!(measured != single);
    assert!(measured.iter().zip(&single).all(|(a, b)| a.abs_diff(*b) <= 4));
    let calibrator = Calibrator::new(loud.clone(), host_device());
    let peaks =
        calibrator.peaks(&CalibrationPhoto::of(&photo(40, 24), &loud, CALIBRATION_SIDE).unwrap()).unwrap();
    let expected = (measured, Precision::F16);
    assert!(restored(&calibrated(&loud, peaks), HALF) == expected);
    // A bound of memory has few features measured at a time.
    assert!(restored(&loud, RestorerOptions { max_memory: Some(300_000), ..HALF }) == expected);
}

#[test]
fn what_was_calibrated_too_low_is_restored_in_f32() {
    let loud = loud();
    let mut low = FeaturePeaks::default();
    low.note("concat12", 1.0);
    let expected = restored(&loud, RestorerOptions::default());
    assert_eq!(expected.1, Precision::F32);
    assert!(restored(&calibrated(&loud, low), HALF) == expected);
}

#[test]
fn a_model_that_f16_cannot_hold_is_restored_in_f32() {
    let steep = steep();
    let expected = restored(&steep, RestorerOptions::default());
    assert!(restored(&steep, HALF) == expected);
    let calibrator = Calibrator::new(steep.clone(), host_device());
    let middle = CalibrationPhoto::of(&photo(40, 24), &steep, CALIBRATION_SIDE).unwrap();
    let peaks = calibrator.peaks(&middle).unwrap();
    let refused = calibrator.deviation(&middle, &peaks);
    assert!(matches!(refused, Err(Error::PrecisionTooLow { what }) if what.contains("sam12.conv3")));
}

#[test]
fn what_f32_cannot_hold_is_an_error() {
    let boundless = changed(&tiny(), |key, _| {
        if key.starts_with("shallow_feat1") && key.ends_with(".weight") && !key.ends_with("1.weight") {
            1e18
        } else {
            1.0
        }
    });
    let middle = CalibrationPhoto::of(&photo(16, 16), &boundless, CALIBRATION_SIDE).unwrap();
    let peaks = Calibrator::new(boundless.clone(), host_device()).peaks(&middle);
    assert!(matches!(peaks, Err(Error::NotFinite(_))));
    for options in [RestorerOptions::default(), HALF] {
        let restored = Restorer::new(boundless.clone(), host_device(), options).restore(&photo(16, 16));
        assert!(matches!(restored, Err(Error::NotFinite(_))));
        // Each convolution goes 18 powers of ten further, and the third of them past 38.
        let traced = RestorerOptions { trace_overflow: true, ..options };
        for noisy in [photo(16, 16), Frame::from_rgb32f(7, 5, vec![0.5; 7 * 5 * 3]).unwrap()] {
            let told = Restorer::new(boundless.clone(), host_device(), traced).restore(&noisy).unwrap_err();
            assert!(told.to_string().contains("conv3x3 at shallow_feat1.1.body.2;"), "{told}");
        }
    }
}

/// Tensors are given as the network has them, whatever they were stored times.
#[test]
fn captured_tensors_are_as_defined() {
    let loud = loud();
    let names = ["stage1_encoder.encoder_level2.1.body.1", "shallow_feat2", "stage3_orsnet.orb1"];
    let names = names.map(str::to_owned);
    let capture = |options| {
        let restorer = Restorer::new(loud.clone(), host_device(), options);
        restorer.capture(&photo(40, 24), &names, &mut |_| ()).unwrap().1
    };
    for (half, single) in capture(HALF).iter().zip(capture(RestorerOptions::default())) {
        assert_close(&half.name, planar(&half.values), planar(&single.values), 1e-2);
    }
}

/// The embedded models tell how large their own features become: those of other weights are others.
#[test]
fn embedded_models_are_calibrated() {
    for (task, name) in [(Task::Derain, "rainy"), (Task::Denoise, "noisy"), (Task::Deblur, "blurred")] {
        let weights = Weights::embedded(task).unwrap();
        let known = weights.feature_peaks().unwrap().expect("the metadata tell");
        assert_eq!(known.moves().count(), 0, "{task} is said to need no moves");
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("samples/{name}.png"));
        let middle = CalibrationPhoto::of(&image::read(&sample).unwrap(), &weights, 128).unwrap();
        let found = Calibrator::new(weights, host_device()).peaks(&middle).unwrap();
        assert_eq!(found.iter().count(), known.iter().count());
        for ((name, peak), (same, largest)) in found.iter().zip(known.iter()) {
            assert_eq!(name, same);
            assert!(peak <= 1.5 * largest && peak >= largest / 16.0, "{task}, {name}: {peak}, {largest}");
        }
    }
}

#[test]
fn the_middle_of_a_photo() {
    const SIDE: u32 = 64;
    let weights = tiny();
    let calibrator = Calibrator::new(weights.clone(), host_device());
    let peaks = |frame| calibrator.peaks(&CalibrationPhoto::of(&frame, &weights, SIDE).unwrap()).unwrap();
    // A black photo with a bright dot, 40 pixels larger than its middle on all sides.
    let dotted = |x: u32, y: u32| {
        let side = SIDE + 80;
        let mut rgb = vec![0; (side * side * 3) as usize];
        rgb[((y * side + x) * 3) as usize..][..3].fill(255);
        image::Frame::from_rgb8(side, side, rgb).unwrap()
    };
    let black = peaks(dotted(2, 2));
    let (first, last, centre) = (40, 40 + SIDE - 1, 72);
    for (x, y) in [(first - 1, centre), (centre, first - 1), (last + 1, centre), (centre, last + 1)] {
        assert_eq!(black, peaks(dotted(x, y)), "({x}, {y}) is outside");
    }
    for (x, y) in [(first, centre), (centre, first), (last, centre), (centre, last)] {
        assert_ne!(black, peaks(dotted(x, y)), "({x}, {y}) is inside");
    }
}
