//! Whole networks on an adapter, tensor by tensor.

use std::collections::{HashMap, HashSet};

use web_time::Instant;

use super::golden::GoldenNetwork;
use super::report::{NetworkCheck, Outcome, TensorCheck};
use crate::gpu::Device;
use crate::graph::cpu::{self, Value};
use crate::graph::{Graph, KernelSize, Op, Role, TensorId, passes};
use crate::plan::Precision;
use crate::specimen::relative_l2;
use crate::{Executor, ExecutorOptions, Result, Values, WeightStore};

/// Relative L2 error of the residual, and of any tensor. In f32 the errors of about 250 operators of 1e-7 to 1e-6 each
/// add up; in f16 every tensor and weight is rounded to 11 bits besides.
#[must_use]
pub fn network_bound(precision: Precision) -> f64 {
    if precision == Precision::F16 { 1e-2 } else { 1e-5 }
}

/// Runs whose bytes are compared.
const RUNS: usize = 3;

/// Checks a network in f32 and f16, fused and operator by operator.
#[must_use]
pub fn check(device: &Device, network: &GoldenNetwork) -> Vec<NetworkCheck> {
    pollster::block_on(check_async(device, network))
}

/// As [`check`], for who waits in a way of its own.
pub async fn check_async(device: &Device, network: &GoldenNetwork) -> Vec<NetworkCheck> {
    let mut checks = Vec::new();
    for fused in [false, true] {
        checks.extend(check_graph(device, network, fused).await);
    }
    checks
}

/// Checks a network's graph in f32 and f16.
async fn check_graph(device: &Device, network: &GoldenNetwork, fused: bool) -> Vec<NetworkCheck> {
    let known = graph(network, fused).and_then(|graph| {
        let input = network.input().iter().map(|&v| f64::from(v)).collect();
        let twin = cpu::run(&graph, &[input])?;
        Ok((graph, twin))
    });
    let mut checks = Vec::new();
    for precision in [Precision::F32, Precision::F16] {
        let at = Way { device, network, precision };
        let checked = match &known {
            Ok((graph, twin)) => at.check(graph, twin).await.map_err(|e| e.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let (outcome, tensors) = checked.unwrap_or_else(|reason| (Outcome::Failed { reason }, Vec::new()));
        let [height, width] = network.size();
        checks.push(NetworkCheck {
            network: network.name.clone(),
            width,
            height,
            precision: precision.name().to_owned(),
            fused,
            outcome,
            tensor_bound: network_bound(precision),
            tensors,
        });
    }
    checks
}

/// How the fused network restores its photo, and the seconds until it was compiled.
pub(super) fn answer(device: &Device, network: &GoldenNetwork, precision: Precision) -> (Outcome, f64) {
    let at = Way { device, network, precision };
    let started = Instant::now();
    let compiled = graph(network, true).and_then(|graph| at.executor(graph));
    let seconds = started.elapsed().as_secs_f64();
    let outcome = compiled.and_then(|mut executor| pollster::block_on(at.residual(&mut executor)));
    (outcome.unwrap_or_else(|e| Outcome::Failed { reason: e.to_string() }), seconds)
}

fn graph(network: &GoldenNetwork, fused: bool) -> Result<Graph> {
    let mut graph = network.graph()?;
    if fused {
        return passes::optimize(graph);
    }
    passes::drop_dead(&mut graph);
    Ok(graph)
}

/// A network on a device at a precision.
#[derive(Clone, Copy)]
struct Way<'a> {
    device: &'a Device,
    network: &'a GoldenNetwork,
    precision: Precision,
}

impl Way<'_> {
    fn executor(&self, graph: Graph) -> Result<Executor> {
        let options = ExecutorOptions { precision: self.precision, ..ExecutorOptions::default() };
        Executor::new(self.device, &WeightStore::default(), graph, &options)
    }

    async fn run(&self, executor: &mut Executor) -> Result<Vec<Values>> {
        // What a kernel leaves unwritten is not to look right.
        executor.poison(self.device);
        executor.run_async(self.device, &[Values::Planar(self.network.input().to_vec())], &mut |_| ()).await
    }

    async fn check(
        &self,
        graph: &Graph,
        twin: &HashMap<TensorId, Value>,
    ) -> Result<(Outcome, Vec<TensorCheck>)> {
        let outcome = self.residual(&mut self.executor(graph.clone())?).await?;
        Ok((outcome, self.tensors(graph.clone(), twin).await?))
    }

    /// The graph as it restores photos: tensors share memory, and only the result is read back.
    async fn residual(&self, executor: &mut Executor) -> Result<Outcome> {
        let mut runs = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            runs.push(self.run(executor).await?);
        }
        let (input, stage3) = (self.network.input(), self.network.values("stage3").unwrap_or_default());
        let expected = minus(stage3.iter().map(|&v| f64::from(v)), input);
        let error = match runs[0].as_slice() {
            [Values::Planar(image)] => relative_l2(&residual(image, input), &expected),
            _ => f64::INFINITY,
        };
        let repeats = runs.windows(2).all(|pair| pair[0] == pair[1]);
        let (error, bound) = (Some(error).filter(|e| e.is_finite()), network_bound(self.precision));
        Ok(Outcome::Measured { error, bound, repeats })
    }

    /// PyTorch's tensors that the graph computes; some tensors have several names.
    fn named(&self, graph: &Graph) -> Vec<(TensorId, &[f32])> {
        let names = self.network.names();
        names.filter_map(|name| Some((graph.find(name)?, self.network.values(name)?))).collect()
    }

    /// Every tensor of the graph against the twin's and PyTorch's.
    async fn tensors(&self, mut graph: Graph, twin: &HashMap<TensorId, Value>) -> Result<Vec<TensorCheck>> {
        let all: Vec<(TensorId, &'static str)> =
            graph.nodes().iter().flat_map(|n| n.outputs.iter().map(|&id| (id, n.op.name()))).collect();
        all.iter().for_each(|&(id, _)| graph.mark_output(id));
        let input = self.network.input();
        let named = self.named(&graph);
        let gated = before_sigmoids(&graph);
        let mut executor = self.executor(graph.clone())?;
        let found = self.run(&mut executor).await?;
        let values: HashMap<TensorId, Values> = graph.outputs().iter().copied().zip(found).collect();
        let check = |(id, operator): (TensorId, &'static str)| {
            let image = graph.desc(id).role == Role::Image && graph.desc(id).elements() == input.len() as u64;
            // Of a stage's image what it adds to the photo: errors show there that vanish beside the photo.
            let compared = |expected: Vec<f64>| {
                let Some(Values::Planar(actual)) = values.get(&id) else { return None };
                let error = if image {
                    relative_l2(&residual(actual, input), &minus(expected.into_iter(), input))
                } else if gated.contains(&id) {
                    unit_l2(actual, &expected)
                } else {
                    relative_l2(actual, &expected)
                };
                Some(error).filter(|e| e.is_finite())
            };
            let pytorch = named.iter().filter(|(named, _)| *named == id).map(|(_, values)| {
                compared(values.iter().map(|&v| f64::from(v)).collect()).unwrap_or(f64::INFINITY)
            });
            TensorCheck {
                name: graph.tensor(id).name.clone(),
                operator: operator.to_owned(),
                twin: compared(twin[&id].data.clone()),
                // One that is without end is the adapter's fault, and shows in `twin` too.
                pytorch: pytorch.reduce(f64::max).filter(|e| e.is_finite()),
            }
        };
        Ok(all.into_iter().map(check).collect())
    }
}

/// The maps of gates, and what the small layers in front of them give.
fn before_sigmoids(graph: &Graph) -> HashSet<TensorId> {
    let maps = graph.nodes().iter().filter(|node| node.op == Op::SigmoidGate).map(|node| node.inputs[1]);
    let mut found: HashSet<TensorId> = maps.collect();
    for node in graph.nodes().iter().rev().filter(|node| is_small_layer(&node.op)) {
        if found.contains(&node.outputs[0]) {
            let by_layer =
                |id: &&TensorId| graph.producer(**id).is_some_and(|at| is_small_layer(&graph.nodes()[at].op));
            found.extend(node.inputs.iter().filter(by_layer));
        }
    }
    found
}

fn is_small_layer(op: &Op) -> bool {
    match op {
        Op::Conv(conv) => conv.kernel == KernelSize::One,
        Op::Prelu { .. } | Op::BoxMean(_) => true,
        _ => false,
    }
}

/// What a sigmoid passes on at most of an L2 error, in units of the values, or of one where they are smaller: these are
/// sums that cancel, and that a ReLU may have left nothing of.
fn unit_l2(actual: &[f32], expected: &[f64]) -> f64 {
    let norm = expected.iter().map(|v| v * v).sum::<f64>().sqrt();
    let units = (expected.len() as f64).sqrt().max(norm);
    let error = actual.iter().zip(expected).map(|(&a, e)| (f64::from(a) - e).powi(2)).sum::<f64>().sqrt();
    if actual.len() == expected.len() && error.is_finite() { error / units / 4.0 } else { f64::INFINITY }
}

fn minus(image: impl Iterator<Item = f64>, input: &[f32]) -> Vec<f64> {
    image.zip(input).map(|(v, &i)| v - f64::from(i)).collect()
}

fn residual(image: &[f32], input: &[f32]) -> Vec<f32> {
    image.iter().zip(input).map(|(v, i)| v - i).collect()
}
