//! Every variant of the 3x3 convolution against the CPU twin, whole and cut; where there is time, with the checks of
//! WebGPU too.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use mprnet::gpu::{Device, DeviceOptions, Maker, Storage};
use mprnet::graph::{Conv, Epilogue, Graph, KernelSize, Op, Patches, TensorId, cpu};
use mprnet::kernels::{Choices, ConvShape, Target, Variant, candidates};
use mprnet::plan::Precision;
use mprnet::{Error, Executor, ExecutorOptions, Values, WeightStore};

use crate::common::{Random, assert_close, feature};
use crate::{device, execute_on, host_device, planar};

/// What follows the sums: an epilogue, and whether sums per cell are taken.
const ENDS: [(Epilogue, bool); 4] = [
    (Epilogue::None, false),
    (Epilogue::None, true),
    (Epilogue::Prelu(0.2), false),
    (Epilogue::Residual, false),
];
const SOURCES: [usize; 2] = [1, 2];
const STORAGES: [Storage; 3] = [Storage::F32, Storage::F16, Storage::F16Packed];
const GRIDS: [Patches; 3] = [Patches::WHOLE, Patches::HALVES, Patches::QUARTERS];
/// Channels in, of each source, and out: for each blocking of the Winograd product.
const CHANNELS: [(u32, u32); 5] = [(5, 6), (12, 40), (7, 50), (9, 66), (18, 84)];
/// Rows and columns: fewer than a cell, and cells cut short in patches of each grid.
const SIZES: [(u32, u32); 3] = [(4, 6), (18, 22), (20, 52)];

/// What storing in f16 may err, as for every operator.
const HALF: f64 = 1e-3;
/// Pipelines that the default run may make: a software adapter takes about a second for each.
const PIPELINES: usize = 150;

/// How many values each factor of a case has.
const LEVELS: [usize; 7] =
    [Variant::ALL.len(), ENDS.len(), SOURCES.len(), STORAGES.len(), GRIDS.len(), CHANNELS.len(), SIZES.len()];

/// A value of each factor, by index.
type Levels = [usize; LEVELS.len()];

/// Devices that store f16 natively and packed; each without and with the checks.
fn devices() -> &'static [[Device; 2]; 2] {
    static DEVICES: OnceLock<[[Device; 2]; 2]> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let native = |checked_shaders| {
            let options = DeviceOptions { checked_shaders, ..DeviceOptions::default() };
            Device::new(&options).expect("these tests need a GPU adapter")
        };
        [[native(false), native(true)], [host_device(), host_device().with_checked_shaders()]]
    })
}

fn precision(storage: Storage) -> Precision {
    if storage == Storage::F32 { Precision::F32 } else { Precision::F16 }
}

/// The devices of a case, where its variant can be used on them at its storage.
fn devices_of(levels: Levels) -> Option<&'static [Device; 2]> {
    let (variant, storage) = (Variant::ALL[levels[0]], STORAGES[levels[3]]);
    let devices = &devices()[usize::from(storage == Storage::F16Packed)];
    let target = Target::of(&devices[0], precision(storage));
    let native = target.storage == storage || storage == Storage::F16;
    (native && variant.refused(&target).is_none()).then_some(devices)
}

fn every_case() -> Vec<Levels> {
    let mut cases = vec![[0; LEVELS.len()]];
    for (factor, &count) in LEVELS.iter().enumerate() {
        let with = |case: Levels, level| std::array::from_fn(|i| if i == factor { level } else { case[i] });
        cases = cases.into_iter().flat_map(|case| (0..count).map(move |level| with(case, level))).collect();
    }
    cases.retain(|&case| devices_of(case).is_some());
    cases
}

type Pair = [(usize, usize); 2];

fn pairs(case: Levels) -> impl Iterator<Item = Pair> {
    let later = move |a: usize| (a + 1..LEVELS.len()).map(move |b| [(a, case[a]), (b, case[b])]);
    (0..LEVELS.len()).flat_map(later)
}

/// Cases that hold every pair of values which any case holds: always the next one that holds most that are missing.
fn pairwise(cases: &[Levels]) -> Vec<Levels> {
    let mut missing: BTreeSet<Pair> = cases.iter().flat_map(|&case| pairs(case)).collect();
    let mut chosen = Vec::new();
    while !missing.is_empty() {
        let gain = |case: &Levels| pairs(*case).filter(|pair| missing.contains(pair)).count();
        // The first of the best, so that the choice is the same everywhere.
        let best = cases.iter().rev().max_by_key(|case| gain(case)).expect("there are cases");
        chosen.push(*best);
        for pair in pairs(*best) {
            missing.remove(&pair);
        }
    }
    chosen
}

fn graph(levels: Levels, random: &mut Random) -> Graph {
    let (epilogue, pooled) = ENDS[levels[1]];
    let (sources, patches) = (SOURCES[levels[2]], GRIDS[levels[4]]);
    let ((inner, out), (height, width)) = (CHANNELS[levels[5]], SIZES[levels[6]]);
    let mut graph = Graph::new();
    let x = feature(inner, height, width, patches);
    // The second source has other channels than the first.
    let second = feature(inner + 2, height, width, patches);
    let added = feature(out, height, width, patches);
    let residual = (epilogue == Epilogue::Residual).then_some(added);
    let descs = [x, second].into_iter().take(sources).chain(residual);
    let ids: Vec<TensorId> = descs.map(|desc| graph.add_input("input", desc)).collect();
    let channels = if sources == 2 { 2 * inner + 2 } else { inner };
    let conv = random.conv(
        &mut graph,
        KernelSize::Three,
        out as usize,
        channels as usize,
        levels[5].is_multiple_of(2),
    );
    let op = Op::Conv(Conv { epilogue, pooled, ..conv });
    graph.push("conv", op, &ids, patches).unwrap();
    graph.nodes()[0].outputs.clone().into_iter().for_each(|id| graph.mark_output(id));
    graph
}

fn check(levels: Levels) {
    let [device, checked] = devices_of(levels).expect("only such cases are chosen");
    check_on(device, checked, levels);
}

/// With checks only where there is time for them: compilers take most of these tests' time, and `reach` sees any index
/// that they would clamp.
fn check_on(device: &Device, checked: &Device, levels: Levels) {
    let (variant, storage) = (Variant::ALL[levels[0]], STORAGES[levels[3]]);
    let mut random = Random::new(7);
    let graph = graph(levels, &mut random);
    let inputs: Vec<Vec<f32>> =
        graph.inputs().iter().map(|&id| random.values(graph.desc(id).elements() as usize)).collect();
    let exact: Vec<Vec<f64>> =
        inputs.iter().map(|values| values.iter().map(|&v| f64::from(v)).collect()).collect();
    let inputs: Vec<Values> = inputs.into_iter().map(Values::Planar).collect();
    let expected = cpu::run(&graph, &exact).unwrap();
    let choices = Choices::Always(variant);
    let whole = ExecutorOptions { precision: precision(storage), choices, ..ExecutorOptions::default() };
    let cut = ExecutorOptions { slice: Some(1), ..whole.clone() };
    let what = format!("{variant:?} {storage:?} {} {levels:?}", graph.desc(graph.outputs()[0]));
    let actual = execute_on(device, &graph, &inputs, &whole);
    assert!(execute_on(device, &graph, &inputs, &cut) == actual, "{what}: cut and whole differ");
    let guarded = cfg!(feature = "heavy-tests").then(|| execute_on(checked, &graph, &inputs, &whole));
    // NVIDIA's compiler contracts other sums where there are checks; what was clamped would be far beyond the bounds
    // below.
    let same = guarded.as_ref().is_none_or(|guarded| *guarded == actual);
    assert!(same || !device.is_software(), "{what}: checks change the result");
    for (i, &id) in graph.outputs().iter().enumerate() {
        let twin: Vec<f32> = expected[&id].data.iter().map(|&v| v as f32).collect();
        let bound = if storage == Storage::F32 { variant.bound() } else { HALF };
        for results in [Some(&actual), guarded.as_ref()].into_iter().flatten() {
            assert_close(&what, planar(&results[i]), &twin, bound);
        }
    }
}

/// Whether this driver compiles so slowly that hundreds of kernels are for heavy tests.
fn takes_hours() -> bool {
    let slow = device().adapter().compiles_slowly();
    let skipped = slow && !cfg!(feature = "heavy-tests");
    if skipped {
        println!("skipped: an hour and 18 GB on SwiftShader for so many kernels: --features heavy-tests");
    }
    skipped
}

#[test]
fn variants_pairwise() {
    if takes_hours() {
        return;
    }
    let cases = every_case();
    let chosen = pairwise(&cases);
    println!("{} of {} cases", chosen.len(), cases.len());
    chosen.into_iter().for_each(check);
    let made: usize = devices().iter().flatten().map(|device| device.pipelines().len()).sum();
    println!("{made} pipelines");
    assert!(made <= PIPELINES || cfg!(feature = "heavy-tests"), "{made} pipelines");
}

/// A patch of few cells, so that a workgroup that takes several has cells of two patches.
#[test]
fn neighbouring_cells_of_different_patches() {
    let quarters = |case: &&Levels| GRIDS[case[4]] == Patches::QUARTERS && SIZES[case[6]] == (4, 6);
    let plain = |case: &&Levels| case[1..4] == [0; 3] && case[5] == 0;
    let cases = every_case();
    let chosen: Vec<&Levels> = cases.iter().filter(quarters).filter(plain).collect();
    // Half of them need no feature of the adapter.
    assert!(chosen.len() >= Variant::ALL.len() / 2);
    chosen.into_iter().for_each(|&case| check(case));
}

/// Variants that have other kernels on hardware than on software adapters, by whose hardware it is.
#[test]
fn kernels_for_hardware() {
    if takes_hours() {
        return;
    }
    let varies = |case: &Levels| {
        let storage = STORAGES[case[3]] != Storage::F16Packed || case[1..3] == [0; 2];
        let variants = [Variant::Block, Variant::Tiled, Variant::Winograd2, Variant::Winograd4];
        variants.contains(&Variant::ALL[case[0]]) && storage
    };
    let cases: Vec<Levels> = every_case().into_iter().filter(varies).collect();
    let chosen = pairwise(&cases);
    println!("{} of {} cases", chosen.len(), cases.len());
    for (maker, step) in
        [(Maker::Amd, 1), (Maker::Intel, 2), (Maker::Nvidia, 1), (Maker::Qualcomm, 4), (Maker::Other, 4)]
    {
        let posing = |checked_shaders| {
            let kernels_for = Some(maker);
            let options = DeviceOptions { checked_shaders, kernels_for, ..DeviceOptions::default() };
            Device::new(&options).expect("these tests need a GPU adapter")
        };
        let native = [posing(false), posing(true)];
        let packed = [host_device(), host_device().with_checked_shaders()].map(|d| d.with_kernels_for(maker));
        // Others differ from those in the size of blocks.
        for &case in chosen.iter().step_by(step) {
            let [device, checked] = if STORAGES[case[3]] == Storage::F16Packed { &packed } else { &native };
            check_on(device, checked, case);
        }
    }
}

/// A variant that does not compile gives way to the next best, unless it was asked for.
#[test]
fn what_does_not_compile_is_replaced() {
    let broken = |shader| {
        let device = Device::new(&DeviceOptions::default()).expect("these tests need a GPU adapter");
        device.with_shader(shader, "no shader".to_owned())
    };
    let case = [0, 0, 0, 0, 0, 1, 1];
    let mut random = Random::new(7);
    let graph = graph(case, &mut random);
    let values = random.values(graph.desc(graph.inputs()[0]).elements() as usize);
    let inputs = [Values::Planar(values)];
    let options = ExecutorOptions::default();
    let target = Target::of(device(), Precision::F32);
    let rule: Vec<Variant> = {
        let conv = match &graph.nodes()[0].op {
            Op::Conv(conv) => *conv,
            op => panic!("{op:?}"),
        };
        candidates(&ConvShape::of(&graph, &graph.nodes()[0], &conv), &target)
            .iter()
            .map(|c| c.variant)
            .collect()
    };
    // Software adapters begin with the first, GPUs with the second, and with the last where FXC compiles.
    let shader = match rule[0] {
        Variant::Winograd4 => "conv3x3/winograd_output",
        Variant::Tiled => "conv3x3/tiled",
        Variant::Block => "conv3x3/block",
        other => panic!("which shader {other:?} has is not known here"),
    };
    let device = broken(shader);
    let next = ExecutorOptions { choices: Choices::Always(rule[1]), ..ExecutorOptions::default() };
    let expected = execute_on(&device, &graph, &inputs, &next);
    assert!(execute_on(&device, &graph, &inputs, &options) == expected, "another kernel than the next best");
    assert!(Target::of(&device, Precision::F32).failed.contains(&rule[0]));
    assert!(execute_on(&device, &graph, &inputs, &options) == expected);

    let device = broken(shader);
    let named = ExecutorOptions { choices: Choices::Always(rule[0]), ..ExecutorOptions::default() };
    let error = Executor::new(&device, &WeightStore::default(), graph.clone(), &named).err();
    assert!(matches!(error, Some(Error::Shader { .. })), "{error:?}");
    assert!(!Target::of(&device, Precision::F32).failed.contains(&rule[0]));

    // No variant does without its operator's own shader.
    let device = broken("add");
    let error = Executor::new(&device, &WeightStore::default(), addition(), &options).err();
    assert!(matches!(error, Some(Error::Shader { .. })), "{error:?}");
}

/// A graph of an operator that has no variants.
fn addition() -> Graph {
    let mut graph = Graph::new();
    let image = graph.add_input("image", feature(3, 8, 8, Patches::WHOLE));
    graph.push("add", Op::Add, &[image, image], Patches::WHOLE).unwrap();
    graph.nodes()[0].outputs.clone().into_iter().for_each(|id| graph.mark_output(id));
    graph
}

/// Winograd as software adapters have it whose vectors of 8 or 16 lanes load once what is the same for all.
#[test]
fn kernels_for_uniform_loads() {
    let varies = |case: &Levels| {
        let variants = [Variant::Winograd2, Variant::Winograd4];
        variants.contains(&Variant::ALL[case[0]]) && STORAGES[case[3]] != Storage::F16Packed
    };
    let cases: Vec<Levels> = every_case().into_iter().filter(varies).collect();
    let chosen = pairwise(&cases);
    println!("{} of {} cases", chosen.len(), cases.len());
    // Kernels for 16 lanes differ from those for 8 in the size of blocks.
    for (lanes, step) in [(8, 1), (16, 2)] {
        let posing = |checked_shaders| {
            let uniform_loads = Some(lanes);
            let options = DeviceOptions { checked_shaders, uniform_loads, ..DeviceOptions::default() };
            Device::new(&options).expect("these tests need a GPU adapter")
        };
        let [device, checked] = [posing(false), posing(true)];
        if Target::of(&device, Precision::F32).uniform_loads.is_none() {
            return println!("skipped: no software adapter with 64-bit integers");
        }
        for &case in chosen.iter().step_by(step) {
            check_on(&device, &checked, case);
        }
    }
}

#[test]
#[cfg_attr(not(feature = "heavy-tests"), ignore = "minutes on a software adapter: --features heavy-tests")]
fn variants_in_full() {
    every_case().into_iter().for_each(check);
}
