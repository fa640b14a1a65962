//! Schedules in bands: whatever an operator reads is there, every row is stored once, and a budget holds.

use std::collections::BTreeMap;

use mprnet::Error;
use mprnet::gpu::Storage;
use mprnet::graph::{Graph, TensorId, cost, passes};
use mprnet::kernels::{self, Target};
use mprnet::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Weights};
use mprnet::plan::{
    Budget, Division, Layout, Operator, Plan, Precision, Reach, Schedule, Window, groups, movable,
};

use crate::plans::published;

fn operators(graph: &Graph, scratch: u64) -> Vec<Operator> {
    let mut target = Target::lavapipe(Storage::F32);
    target.scratch = target.scratch.min(scratch);
    let operator = |node| kernels::lower(graph, node, &target).operator(cost::work(graph, node));
    graph.nodes().iter().map(operator).collect()
}

/// Rows of tensors, by tensor.
type Rows = BTreeMap<TensorId, Vec<bool>>;

fn note(rows: &mut Rows, graph: &Graph, tensor: TensorId, range: std::ops::Range<u32>) {
    let all = rows.entry(tensor).or_insert_with(|| vec![false; graph.desc(tensor).height as usize]);
    all[range.start as usize..range.end as usize].fill(true);
}

fn has(rows: &Rows, tensor: TensorId, range: &std::ops::Range<u32>) -> bool {
    range.is_empty()
        || rows
            .get(&tensor)
            .is_some_and(|all| all[range.start as usize..range.end as usize].iter().all(|&there| there))
}

/// Follows a plan's schedule step by step.
fn follow(graph: &Graph, operators: &[Operator], Plan { schedule, memory, .. }: &Plan) {
    let (mut device, mut host) = (Rows::new(), Rows::new());
    // The band that stored each row, and the tensor that each slot of the host's memory holds.
    let (mut stored_by, mut tenants) = (BTreeMap::new(), BTreeMap::new());
    for &input in graph.inputs() {
        note(&mut host, graph, input, 0..graph.desc(input).height);
    }
    let mut stored: BTreeMap<TensorId, Vec<u32>> = BTreeMap::new();
    for (index, band) in schedule.bands.iter().enumerate() {
        let name = |tensor: TensorId| &graph.tensor(tensor).name;
        let mut held = Rows::new();
        for load in &band.loads {
            assert!(
                has(&host, load.tensor, &load.rows),
                "band {index} loads {} too early",
                name(load.tensor)
            );
            let late = load.rows.clone().filter_map(|row| stored_by.get(&(load.tensor, row)));
            assert!(late.into_iter().all(|&by| by < band.after), "band {index} waits for too few");
            if let Some(slot) = memory.on_host(load.tensor) {
                assert_eq!(tenants.get(&slot), Some(&load.tensor), "band {index}: {}", name(load.tensor));
            }
            note(&mut held, graph, load.tensor, load.rows.clone());
        }
        for item in &band.items {
            let operator = &operators[item.node];
            let window =
                Window { rows: operator.domain.rows(&item.cell_rows), cell_rows: item.cell_rows.clone() };
            for &(tensor, reach, writes) in &operator.tensors {
                let rows = reach.rows(&window, graph.desc(tensor).height);
                let there = band.held.get(&tensor);
                if writes {
                    note(if there.is_some() { &mut held } else { &mut device }, graph, tensor, rows.clone());
                } else {
                    let source = if there.is_some() { &held } else { &device };
                    assert!(has(source, tensor, &rows), "band {index} reads {} too early", name(tensor));
                }
                let room = there.is_none_or(|there| there.start <= rows.start && rows.end <= there.end);
                assert!(room, "{} has no room", name(tensor));
            }
        }
        for store in &band.stores {
            assert!(has(&held, store.tensor, &store.rows), "band {index} stores {}", name(store.tensor));
            note(&mut host, graph, store.tensor, store.rows.clone());
            stored_by.extend(store.rows.clone().map(|row| ((store.tensor, row), index)));
            if let Some(slot) = memory.on_host(store.tensor) {
                tenants.insert(slot, store.tensor);
            }
            stored.entry(store.tensor).or_default().extend(store.rows.clone());
        }
    }
    for (tensor, rows) in stored {
        let all: Vec<u32> = (0..graph.desc(tensor).height).collect();
        assert_eq!(rows, all, "rows of {} are stored once each, in order", graph.tensor(tensor).name);
    }
    for &output in graph.outputs() {
        assert!(has(&host, output, &(0..graph.desc(output).height)));
    }
}

/// Whoever is told how much it takes at least has a plan with that much.
#[test]
fn what_is_too_little_is_told_by_what_is_enough() {
    let graph = published(ModelConfig { num_cab: 2, ..ModelConfig::DERAIN }, (384, 256));
    let target = Target::lavapipe(Storage::F32);
    let within = |bytes| {
        let budget = Budget { bytes, buffer: u64::MAX, precision: Precision::F32 };
        kernels::planned(&graph, &budget, &target)
    };
    let mut refused = 0;
    for mebibytes in [2, 5, 9, 14, 20, 27] {
        let Err(Error::BudgetTooSmall { least, .. }) = within(mebibytes << 20) else { continue };
        let (plan, ..) = within(least).unwrap();
        assert!(plan.device_bytes() <= least && least > mebibytes << 20);
        refused += 1;
    }
    assert!(refused > 2, "{refused}");
}

/// Plans within shares of what the whole takes, in hundredths; gives how many there were.
fn check(graph: &Graph, shares: &[u64]) -> usize {
    let precision = Precision::F32;
    let whole = Plan::whole(graph, &operators(graph, u64::MAX), precision, u64::MAX).unwrap().device_bytes();
    let mut found = 0;
    for share in shares {
        let bytes = whole * share / 100;
        let budget = Budget { bytes, buffer: u64::MAX, precision };
        let target = Target::lavapipe(Storage::F32);
        let Ok((plan, operators)) = kernels::planned(graph, &budget, &target) else { continue };
        assert!(plan.device_bytes() <= bytes, "{} of {bytes}", plan.device_bytes());
        if plan.schedule.streams() {
            follow(graph, &operators, &plan);
            found += 1;
        }
    }
    found
}

#[test]
fn what_a_band_needs_is_there() {
    for (config, size) in [(ModelConfig::DERAIN, (512, 384)), (ModelConfig::DEBLUR, (720, 1280))] {
        assert!(check(&published(config, size), &[80, 50, 25, 12]) >= 3);
    }
}

/// In the local mode.
fn local() -> Graph {
    let weights = Weights::seeded(ModelConfig::DERAIN, 1);
    let mode = Mode::Local { train_size: Some(64) };
    let (height, width, format, stage) = (520, 264, ImageFormat::Words, Stage::Three);
    let options = NetworkOptions { height, width, format, stage, mode, keep: vec![] };
    passes::optimize(model::build(&weights, &options).unwrap()).unwrap()
}

#[test]
fn what_a_band_of_the_local_mode_needs_is_there() {
    assert!(check(&local(), &[60, 30]) >= 2);
}

/// The planner's choice of what goes to the host, beside the best of all choices with as many bands for every group.
#[test]
fn the_planner_is_hardly_worse_than_a_search() {
    let graph = published(ModelConfig { num_cab: 1, ..ModelConfig::DERAIN }, (256, 256));
    let operators = operators(&graph, 0);
    let precision = Precision::F32;
    let whole = Plan::whole(&graph, &operators, precision, u64::MAX).unwrap().device_bytes();
    let all = movable(&graph, &operators);
    for share in [70, 40, 20] {
        let bytes = whole * share / 100;
        let budget = Budget { bytes, buffer: u64::MAX, precision };
        let plan = Plan::within(&graph, &operators, &budget).unwrap();
        // Everything through the host, in any even number of bands and any size of groups.
        let best = [usize::MAX, 2, 1, 0].into_iter().flat_map(|inner| [2, 4, 8, 16, 32].map(|n| (inner, n)));
        let cost = best.filter_map(|(inner, bands)| {
            let mut groups = groups(&operators, inner);
            for group in &mut groups {
                let by_cells = |o: &Operator| matches!(o.domain, mprnet::plan::Domain::Cells(_));
                group.bands = if operators[group.nodes.clone()].iter().all(by_cells) { bands } else { 1 };
            }
            let division = Division { groups, host: all.clone() };
            let schedule = Schedule::divided(&graph, &operators, division);
            let moved = schedule.traffic(|id| Layout::of(&graph.desc(id), precision).row_bytes);
            let fits = Plan::scheduled(&graph, &operators, precision, u64::MAX, schedule).unwrap();
            (fits.device_bytes() <= bytes).then_some(moved)
        });
        let cost = cost.min().unwrap_or(u64::MAX);
        let moved = plan.schedule.traffic(|id| Layout::of(&graph.desc(id), precision).row_bytes);
        println!("{share}%: {moved} bytes moved, {cost} with all through the host");
        assert!(moved <= cost.saturating_add(cost / 10));
    }
}

#[test]
fn a_group_ends_where_a_mean_is_needed() {
    for graph in [published(ModelConfig::DERAIN, (128, 128)), local()] {
        let operators = operators(&graph, 0);
        for group in groups(&operators, usize::MAX) {
            let written: Vec<TensorId> =
                graph.nodes()[group.nodes.clone()].iter().flat_map(|n| n.outputs.clone()).collect();
            for operator in &operators[group.nodes.clone()] {
                let by_cells = matches!(operator.domain, mprnet::plan::Domain::Cells(_));
                let much = |reach: &Reach| matches!(reach, Reach::Whole | Reach::Sliding { .. });
                let read = operator.tensors.iter().filter(|(_, reach, writes)| !writes && much(reach));
                assert!(!by_cells || read.into_iter().all(|(tensor, ..)| !written.contains(tensor)));
            }
        }
    }
}

/// Where buffers may not be as large as the bands that fit the memory would have them, bands are narrower.
#[test]
fn bands_fit_the_largest_buffer() {
    let graph = published(ModelConfig::DERAIN, (384, 512));
    let precision = Precision::F32;
    let whole = Plan::whole(&graph, &operators(&graph, u64::MAX), precision, u64::MAX).unwrap();
    let bytes = whole.device_bytes() / 2;
    let operators = operators(&graph, bytes / 8);
    let within = |buffer| Plan::within(&graph, &operators, &Budget { bytes, buffer, precision }).unwrap();
    let largest = |plan: &Plan| plan.memory.slot_sizes().iter().copied().max().unwrap();
    let free = within(u64::MAX);
    for percent in [90, 75, 50] {
        let buffer = largest(&free) * percent / 100;
        let plan = within(buffer);
        assert!(largest(&plan) <= buffer && plan.device_bytes() <= bytes);
        follow(&graph, &operators, &plan);
    }
}
