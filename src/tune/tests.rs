use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::gpu::DeviceOptions;
use crate::graph::passes;
use crate::kernels::Target;
use crate::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};
use crate::specimen::{HALF, relative_l2};
use crate::{Error, ExecutorOptions};

pub(super) const ADAPTER: (&str, &str) = ("Voodoo 2", "3.02");

/// A judge who makes it up, and counts.
pub(super) struct Fake {
    pub(super) measured: Vec<(String, Variant)>,
    fastest: Variant,
    /// Whose results are wrong.
    pub(super) cheat: Option<Variant>,
    /// Whose run fails.
    broken: Option<Variant>,
    /// Has no memory.
    short: Option<Variant>,
}

impl Fake {
    pub(super) fn new(fastest: Variant) -> Self {
        Self { measured: Vec::new(), fastest, cheat: None, broken: None, short: None }
    }
}

impl Judge for Fake {
    fn error(&mut self, _: &ConvShape, variant: Variant) -> Result<f64> {
        Ok(if self.cheat == Some(variant) { 0.1 } else { 1e-7 })
    }

    fn seconds(&mut self, shape: &ConvShape, variant: Variant) -> Result<f64> {
        self.measured.push((shape.to_string(), variant));
        if self.short == Some(variant) {
            return Err(Error::OutOfMemory { during: "measuring".into(), bytes: 1 << 30 });
        }
        if self.broken == Some(variant) {
            return Err(Error::Shader { kernel: "conv3x3".to_owned(), reason: "it is broken".to_owned() });
        }
        // A cheat would win, were it timed.
        Ok(if self.cheat == Some(variant) {
            0.0
        } else if self.fastest == variant {
            0.001
        } else {
            0.002
        })
    }
}

pub(super) fn graph(width: u32, height: u32) -> Graph {
    let config = ModelConfig { n_feat: 8, scale_unetfeats: 4, num_cab: 2, ..ModelConfig::DERAIN };
    let format = ImageFormat::Words;
    let options =
        NetworkOptions { width, height, format, stage: Stage::Three, mode: Mode::Global, keep: Vec::new() };
    passes::optimize(model::build(&Weights::seeded(config, 0), &options).unwrap()).unwrap()
}

/// What is measured of every shape here.
fn variants(target: &Target) -> Vec<Variant> {
    candidates(&classes(&graph(64, 32))[0].0, target).iter().map(|c| c.variant).collect()
}

pub(super) fn target() -> Target {
    Target::portable(Storage::F32)
}

/// What is chosen for the convolutions of a graph.
pub(super) fn chosen(choices: &Choices, graph: &Graph, target: &Target) -> BTreeSet<Variant> {
    let shapes = classes(graph).into_iter().flat_map(|(_, shapes)| shapes);
    shapes.map(|shape| choices.variant(&shape, target)).collect()
}

/// What a new tuner with that file chooses, and how many measurements it takes.
fn tune(file: &Path, tuning: Tuning, adapter: (&str, &str), judge: &mut Fake) -> (BTreeSet<Variant>, usize) {
    let graph = graph(64, 32);
    let before = judge.measured.len();
    let mut tuner = Tuner::with_cache(tuning, Some(file.to_owned()));
    let choices = tuner.decide(adapter, &target(), &graph, judge);
    (chosen(&choices, &graph, &target()), judge.measured.len() - before)
}

#[test]
fn a_choice_is_remembered_and_used() {
    let directory = tempfile::tempdir().unwrap();
    // Directories on the way are made.
    let file = directory.path().join("deep/er/variants.json");
    let mut judge = Fake::new(Variant::Winograd2);
    let (first, count) = tune(&file, Tuning::On, ADAPTER, &mut judge);
    assert_eq!(first, [Variant::Winograd2].into());
    assert_eq!(count, classes(&graph(64, 32)).len() * variants(&target()).len());
    judge.fastest = Variant::Block;
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge), ([Variant::Winograd2].into(), 0));
    let (forced, again) = tune(&file, Tuning::Force, ADAPTER, &mut judge);
    assert_eq!((forced, again), ([Variant::Block].into(), count));
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge), ([Variant::Block].into(), 0));
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.matches("Voodoo 2").count(), classes(&graph(64, 32)).len(), "each is there once: {text}");
}

#[test]
fn what_a_tuner_has_measured_it_knows() {
    let mut judge = Fake::new(Variant::Winograd4);
    let mut tuner = Tuner::with_cache(Tuning::Force, None);
    for expected in [classes(&graph(64, 32)).len() * variants(&target()).len(), 0] {
        let before = judge.measured.len();
        let graph = graph(64, 32);
        let choices = tuner.decide(ADAPTER, &target(), &graph, &mut judge);
        assert_eq!(chosen(&choices, &graph, &target()), [Variant::Winograd4].into());
        assert_eq!(judge.measured.len() - before, expected);
    }
}

#[test]
fn other_adapters_drivers_and_storage_are_measured_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let mut judge = Fake::new(Variant::Winograd2);
    let (_, count) = tune(&file, Tuning::On, ADAPTER, &mut judge);
    for adapter in [("Voodoo 2", "3.03"), ("Voodoo 3", "3.02")] {
        assert_eq!(tune(&file, Tuning::On, adapter, &mut judge).1, count);
        assert_eq!(tune(&file, Tuning::On, adapter, &mut judge).1, 0);
    }
    let graph = graph(64, 32);
    let before = judge.measured.len();
    let half = Target::portable(Storage::F16Packed);
    Tuner::with_cache(Tuning::On, Some(file.clone())).decide(ADAPTER, &half, &graph, &mut judge);
    assert_eq!(judge.measured.len() - before, count);
    // None of it has displaced what was there.
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge).1, 0);
}

#[test]
fn other_shaders_are_measured_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let mut judge = Fake::new(Variant::Winograd2);
    let (_, count) = tune(&file, Tuning::On, ADAPTER, &mut judge);
    let text = std::fs::read_to_string(&file).unwrap();
    let [class, ..] = &classes(&graph(64, 32))[..] else { panic!("there are convolutions") };
    let hash = shader_hash(&class.0, &variants(&target()), &target()).unwrap();
    assert!(text.contains(&hash));
    std::fs::write(&file, text.replace("\"shaders\": \"", "\"shaders\": \"0")).unwrap();
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge).1, count);
    // The hash is one of every variant's text.
    assert_ne!(shader_hash(&class.0, &[Variant::Block], &target()).unwrap(), hash);
    assert_ne!(shader_hash(&class.0, &variants(&target()), &Target::lavapipe(Storage::F32)).unwrap(), hash);
}

/// What failed for lack of memory may not fail another time: this tuner alone knows of it.
#[test]
fn a_lack_of_memory_is_not_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let mut judge = Fake { short: Some(Variant::Winograd4), ..Fake::new(Variant::Winograd4) };
    let mut tuner = Tuner::with_cache(Tuning::On, Some(file.clone()));
    let graph = graph(64, 32);
    let measured = [0, 1].map(|_| {
        let before = judge.measured.len();
        let choices = tuner.decide(ADAPTER, &target(), &graph, &mut judge);
        assert!(!chosen(&choices, &graph, &target()).contains(&Variant::Winograd4));
        judge.measured.len() - before
    });
    assert!(measured[0] > 0 && measured[1] == 0, "{measured:?}");
    judge.short = None;
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge), ([Variant::Winograd4].into(), measured[0]));
}

#[test]
fn cheats_and_failures_are_disqualified() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let mut judge = Fake {
        cheat: Some(Variant::Winograd4),
        broken: Some(Variant::Block),
        ..Fake::new(Variant::Winograd2)
    };
    let (choice, _) = tune(&file, Tuning::On, ADAPTER, &mut judge);
    assert_eq!(choice, [Variant::Winograd2].into());
    assert!(
        judge.measured.iter().all(|(_, variant)| *variant != Variant::Winograd4),
        "no time is spent on it"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    for reason in ["its relative L2 error is 1.0e-1, more than 1e-5", "it is broken"] {
        assert!(text.contains(reason), "{text}");
    }
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge), (choice, 0));
}

/// Without a variant that can be used, the plainest is.
#[test]
fn nobody_is_right() {
    struct Wrong;
    impl Judge for Wrong {
        fn error(&mut self, _: &ConvShape, _: Variant) -> Result<f64> {
            Ok(f64::NAN)
        }
        fn seconds(&mut self, _: &ConvShape, _: Variant) -> Result<f64> {
            panic!("what is wrong is not timed")
        }
    }
    let graph = graph(64, 32);
    let choices = Tuner::with_cache(Tuning::On, None).decide(ADAPTER, &target(), &graph, &mut Wrong);
    assert_eq!(chosen(&choices, &graph, &target()), [Variant::Direct].into());
}

#[test]
fn a_file_that_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let mut judge = Fake::new(Variant::Winograd2);
    let (_, count) = tune(&file, Tuning::On, ADAPTER, &mut judge);
    let sound = std::fs::read(&file).unwrap();
    let newer = String::from_utf8(sound.clone()).unwrap().replace("\"format\": 1", "\"format\": 2");
    let cases: [&[u8]; 5] =
        [b"", &sound[..sound.len() / 2], b"\xff\xfe", b"{\"format\": 1}", newer.as_bytes()];
    for bytes in cases {
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge), ([Variant::Winograd2].into(), count));
        // It has been made good.
        assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge), ([Variant::Winograd2].into(), 0));
    }
    // What it chooses is judged too.
    let text = String::from_utf8(sound).unwrap().replace("\"winograd2\"", "\"winograd9\"");
    std::fs::write(&file, text).unwrap();
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge).1, 0);
}

#[test]
fn a_file_that_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let mut judge = Fake::new(Variant::Winograd2);
    // A directory in its place, and a file in its directory's.
    std::fs::write(directory.path().join("file"), b"").unwrap();
    for place in ["", "file/variants.json"] {
        let (choice, count) = tune(&directory.path().join(place), Tuning::On, ADAPTER, &mut judge);
        assert_eq!(choice, [Variant::Winograd2].into());
        assert!(count > 0);
    }
}

/// What another process has written meanwhile stays.
#[test]
fn two_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let mut early = Cache::read(Some(&file));
    let mut judge = Fake::new(Variant::Winograd2);
    tune(&file, Tuning::On, ADAPTER, &mut judge);
    let class = &classes(&graph(64, 32))[0].0;
    let key = Key::new(("Riva 128", "1.0"), "0".to_owned(), Storage::F32, class);
    early.remember(vec![Entry::new(key)], false);
    assert_eq!(tune(&file, Tuning::On, ADAPTER, &mut judge).1, 0);
    assert!(std::fs::read_to_string(&file).unwrap().contains("Riva 128"));
}

#[test]
fn out_of_time() {
    let graph = graph(64, 32);
    let mut judge = Fake::new(Variant::Winograd4);
    let mut tuner = Tuner { budget: Duration::ZERO, ..Tuner::with_cache(Tuning::On, None) };
    let choices = tuner.decide(ADAPTER, &target(), &graph, &mut judge);
    assert_eq!(judge.measured, []);
    assert_eq!(chosen(&choices, &graph, &target()), chosen(&Choices::Rule, &graph, &target()));
    // Next time it is measured.
    tuner.budget = BUDGET;
    tuner.decide(ADAPTER, &target(), &graph, &mut judge);
    assert_ne!(judge.measured, []);
}

#[test]
fn sizes_share_a_class() {
    let names = |width, height| -> Vec<String> {
        classes(&graph(width, height)).iter().map(|(class, _)| class.to_string()).collect()
    };
    assert_eq!(names(2560, 2104), names(4000, 3000));
    assert_ne!(names(1280, 720), names(256, 256));
    let graph = graph(1280, 720);
    let (class, shapes) = &classes(&graph)[0];
    assert!(
        class.to_string().starts_with("24->24, 512x512 in 1x1 patches"),
        "{class}: most arithmetic first"
    );
    assert!(shapes.iter().all(|shape| shape.size == [720, 1280]), "{shapes:?}");
}

#[test]
fn rules_without_measuring() {
    let graph = graph(64, 32);
    let rule = |target: &Target| chosen(&Choices::Rule, &graph, target);
    assert_eq!(rule(&Target::lavapipe(Storage::F32)), [Variant::Winograd4].into());
    assert_eq!(rule(&Target::portable(Storage::F32)), [Variant::Tiled].into());
    let exact = Target { direct_sums: true, ..Target::lavapipe(Storage::F32) };
    assert_eq!(rule(&exact), [Variant::Block].into());
    // What is asked for or remembered cannot undo exactness.
    let asked = Choices::Always(Variant::Winograd4);
    assert_eq!(chosen(&asked, &graph, &exact), [Variant::Block].into());
    assert_eq!(chosen(&asked, &graph, &target()), [Variant::Winograd4].into());
}

#[test]
fn off_is_off() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
    let mut tuner = Tuner::with_cache(Tuning::Off, Some(file.clone()));
    assert!(matches!(tuner.choices(&device, Precision::F32, &graph(64, 32)), Choices::Rule));
    assert!(!file.exists());
}

#[test]
fn on_this_adapter() {
    let device = Device::new(&DeviceOptions::default()).expect("this test needs a GPU adapter");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("variants.json");
    let graph = Specimen::convolution(&ConvShape {
        inputs: vec![8, 4],
        outputs: 12,
        size: [24, 40],
        patches: [2, 1],
        epilogue: "residual",
        pooled: true,
    });
    let graph = graph.unwrap().graph().clone();
    let mut tuner = Tuner::with_cache(Tuning::On, Some(file.clone()));
    let choices = tuner.choices(&device, Precision::F32, &graph);
    assert!(matches!(&choices, Choices::Measured(verdicts) if verdicts.fastest.len() == 1), "{choices:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    let name = &device.adapter().name;
    assert!(text.contains(&format!("\"adapter\": \"{name}\"")), "{text}");
    assert!(text.contains("8+4->12, 32x64 in 2x1 patches, residual, pooled"), "{text}");
    assert!(text.contains("\"disqualified\": {}"), "{text}");
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let measured = document["choices"][0]["seconds"].as_object().unwrap();
    assert_eq!(measured.len(), variants(&Target::of(&device, Precision::F32)).len(), "{text}");
    assert!(measured.values().all(|seconds| seconds.as_f64().unwrap() > 0.0), "{text}");
}

/// The errors that are compared with bounds are real ones.
#[test]
fn errors_of_specimens() {
    let device = Device::new(&DeviceOptions::default()).expect("this test needs a GPU adapter");
    let size = [11, 14];
    let shape =
        ConvShape { inputs: vec![20], outputs: 12, size, patches: [1, 1], epilogue: "prelu", pooled: false };
    let specimen = Specimen::convolution(&shape).unwrap();
    let options = |precision| ExecutorOptions { precision, ..ExecutorOptions::default() };
    for &variant in Variant::ALL {
        if variant.refused(&Target::of(&device, Precision::F32)).is_none() {
            let choices = Choices::Always(variant);
            let error =
                specimen.error(&device, &ExecutorOptions { choices, ..options(Precision::F32) }).unwrap();
            let bound = bound(variant, Storage::F32);
            assert!(error > bound / 1000.0 && error <= bound, "{variant:?}: {error:.1e}");
        }
    }
    for specimen in [Specimen::pointwise(9, size), Specimen::gate(9, size), Specimen::pool_cells(9, size)] {
        let error = specimen.unwrap().error(&device, &options(Precision::F16)).unwrap();
        assert!(error > 1e-5 && error < HALF, "{error:.1e}");
    }
    assert!(relative_l2(&[1.0, 2.0], &[1.0, 2.5]) > 0.1);
    assert!(relative_l2(&[1.0, f32::NAN], &[1.0, 2.5]).is_infinite());
    assert!(relative_l2(&[1.0], &[1.0, 2.5]).is_infinite());
}
