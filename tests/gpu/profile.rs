//! Where the time of a run goes.

use mprnet::gpu::Clock;
use mprnet::gpu::Device;
use mprnet::graph::{Graph, cost, passes};
use mprnet::kernels::{Choices, Variant};
use mprnet::model::{self, ImageFormat, Mode, NetworkOptions, Stage, Weights};
use mprnet::{Executor, ExecutorOptions, Span, Values, WeightStore};

use crate::common::golden_path;
use crate::{device, device_with, host_device};

fn network() -> Graph {
    let weights = Weights::read(&golden_path("tiny.safetensors")).unwrap();
    let options = NetworkOptions {
        height: 48,
        width: 64,
        format: ImageFormat::Words,
        stage: Stage::Three,
        mode: Mode::Global,
        keep: vec![],
    };
    passes::optimize(model::build(&weights, &options).unwrap()).unwrap()
}

fn input() -> Vec<Values> {
    vec![Values::Words((0..48 * 64_u32).map(|i| i.wrapping_mul(2_654_435_761) | 255 << 24).collect())]
}

fn profiled(device: &Device, options: &ExecutorOptions) -> (Executor, Vec<Span>) {
    let mut executor = Executor::new(device, &WeightStore::default(), network(), options).unwrap();
    let before = executor.run(device, &input(), &mut |_| ()).unwrap();
    let spans = executor.profile(device, &input()).unwrap();
    let after = executor.run(device, &input(), &mut |_| ()).unwrap();
    assert!(before == after, "profiling changes results");
    (executor, spans)
}

/// Every operator is there, with all of its arithmetic and dispatches, at times that follow one another.
fn check(executor: &Executor, spans: &[Span], clock: Clock) {
    let graph = executor.graph();
    for (index, node) in graph.nodes().iter().enumerate() {
        let of_node: Vec<&Span> = spans.iter().filter(|s| s.node == index).collect();
        assert!(of_node.iter().enumerate().all(|(stage, s)| s.stage == stage) && !of_node.is_empty());
        assert!(of_node.iter().all(|s| s.op == node.op.name() && s.clock == clock && s.bytes > 0));
        let sum: u64 = of_node.iter().map(|s| s.multiply_adds).sum();
        assert_eq!(sum, cost::multiply_adds(graph, node), "{}", of_node[0].tensor);
    }
    assert_eq!(spans.iter().map(|s| s.dispatches).sum::<usize>(), executor.dispatch_count());
    let mut intervals: Vec<_> = spans.iter().flat_map(|s| &s.intervals).collect();
    intervals.sort_by(|a, b| a.start.total_cmp(&b.start));
    assert!(intervals.iter().all(|i| i.start >= 0.0 && i.end >= i.start));
    assert!(intervals.windows(2).all(|pair| pair[1].start >= pair[0].end));
    let (total, end) = (spans.iter().map(Span::seconds).sum::<f64>(), intervals[intervals.len() - 1].end);
    assert!(total > 0.0 && total <= end * 1.000_001, "{total} of {end}");
    let starts: Vec<f64> = spans.iter().filter(|s| s.stage == 0).map(Span::start).collect();
    assert!(starts.is_sorted(), "operators are not in order");
}

#[test]
fn every_operator_has_its_time_by_every_clock() {
    let both = wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES;
    let (pass, none) = (device_with(wgpu::Features::TIMESTAMP_QUERY), host_device());
    let within = device_with(both);
    // Operators of one dispatch each.
    let choices = Choices::Always(Variant::Block);
    let whole = ExecutorOptions { slice: Some(u64::MAX), choices, ..ExecutorOptions::default() };
    for (device, clock) in
        [(&within, Clock::Timestamps), (&pass, Clock::PassTimestamps), (&none, Clock::Wall)]
    {
        assert_eq!(Clock::of(device), clock);
        let (executor, spans) = profiled(device, &whole);
        check(&executor, &spans, clock);
        assert_eq!(spans.len(), executor.graph().nodes().len());
    }
}

#[test]
fn stages_are_told_apart_however_the_work_is_cut() {
    for slice in [None, Some(u64::MAX), Some(1)] {
        let choices = Choices::Always(Variant::Winograd4);
        let (executor, spans) = profiled(device(), &ExecutorOptions { slice, choices, ..Default::default() });
        check(&executor, &spans, Clock::of(device()));
        let stages: Vec<&Span> = spans.iter().filter(|s| s.node == 1).collect();
        // GPUs have shaders of their own between these ends.
        let parts = ["input", "conv3x3/winograd_", "output"];
        assert!(stages.iter().map(|s| &s.kernel).zip(parts).all(|(kernel, part)| kernel.contains(part)));
        assert_eq!(stages.len(), 3);
        let [transform, products, _] = stages[..] else { unreachable!() };
        assert_eq!((transform.multiply_adds, products.multiply_adds), (0, 4 * products.executed));
        assert!(products.executed > 0 && !products.matrices);
        // Windows of eight rows.
        assert_eq!(products.intervals.len(), if slice == Some(1) { 6 } else { 1 });
    }
}

#[test]
fn windows_of_an_operator_are_one_interval() {
    let choices = Choices::Always(Variant::Block);
    let (slice, binding_limit) = (Some(u64::MAX), Some(50_000));
    let options = ExecutorOptions { slice, binding_limit, choices, ..ExecutorOptions::default() };
    let (executor, spans) = profiled(device(), &options);
    check(&executor, &spans, Clock::of(device()));
    assert!(executor.dispatch_count() > spans.len(), "nothing is cut");
    assert!(spans.iter().all(|s| s.intervals.len() == 1));
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let (mut executor, _) = profiled(device(), &ExecutorOptions::default());
    let error = executor.profile(device(), &[]).unwrap_err().to_string();
    assert!(error.contains("0 inputs for 1"), "{error}");
}
