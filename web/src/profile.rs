//! Where the time of a run goes.

use std::collections::BTreeMap;

use mprnet::gpu::Clock;
use mprnet::graph::{Graph, Node, cost, passes};
use mprnet::kernels::Variant;
use mprnet::model::{self, ImageFormat, NetworkOptions, Stage};
use mprnet::{Executor, ExecutorOptions, Span, Values, WeightStore};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::Session;
use super::errors::{Result, named, thrown};

/// Where the time of a run goes.
#[derive(Serialize)]
struct Profile {
    clock: Clock,
    /// Of all operators.
    seconds: f64,
    /// Longest first.
    kinds: Vec<Kind>,
}

/// All operators of a kind.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    kind: &'static str,
    operators: usize,
    seconds: f64,
    multiply_adds: f64,
}

#[wasm_bindgen]
impl Session {
    /// Runs a photo of that size twice, and tells where the time of the second run went, as JSON. Any photo takes the
    /// same time.
    ///
    /// # Errors
    /// As [`Session::restore`].
    pub async fn profile(&self, width: u32, height: u32) -> Result<String> {
        let profile = self.profiled(self.options.seen(width, height)).await.map_err(thrown)?;
        serde_json::to_string(&profile).map_err(|error| named("Failed", &error.to_string()))
    }
}

impl Session {
    /// The network as it is executed for photos of that size, which is a tile's in the mode of tiles.
    pub(crate) fn graph(&self, (width, height): (u32, u32)) -> mprnet::Result<Graph> {
        let (format, stage, mode) = (ImageFormat::Words, Stage::Three, self.options.mode);
        let options = NetworkOptions { width, height, format, stage, mode, keep: Vec::new() };
        passes::optimize(model::build(&self.weights, &options)?)
    }

    async fn profiled(&self, size: (u32, u32)) -> mprnet::Result<Profile> {
        let (device, graph) = (self.device.clone(), self.graph(size)?);
        let (precision, max_memory) = (self.options.precision, Some(self.options.memory));
        let options = ExecutorOptions { precision, max_memory, ..ExecutorOptions::default() };
        let photo = [Values::Words(vec![0xff80_8080; size.0 as usize * size.1 as usize])];
        let mut refused = 0;
        let mut executor = loop {
            let mut executor = Executor::new(&device, &WeightStore::default(), graph.clone(), &options)?;
            match executor.run_async(&device, &photo, &mut |_| ()).await {
                // Another variant takes the place of one that the driver does not compile.
                Err(mprnet::Error::Shader { .. }) if refused < Variant::ALL.len() => refused += 1,
                done => {
                    done?;
                    break executor;
                }
            }
        };
        let spans = executor.profile_async(&device, &photo).await?;
        Ok(Profile {
            clock: Clock::of(&device),
            seconds: spans.iter().map(Span::seconds).sum(),
            kinds: kinds(executor.graph(), &spans),
        })
    }
}

fn kinds(graph: &Graph, spans: &[Span]) -> Vec<Kind> {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    let named = |node: &Node| (node.op.name(), cost::multiply_adds(graph, node) as f64);
    for (kind, multiply_adds) in graph.nodes().iter().map(named) {
        let sums = kinds.entry(kind).or_insert(Kind { kind, ..Kind::default() });
        sums.operators += 1;
        sums.multiply_adds += multiply_adds;
    }
    for span in spans {
        kinds.entry(span.op).or_default().seconds += span.seconds();
    }
    let mut kinds: Vec<Kind> = kinds.into_values().collect();
    kinds.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    kinds
}
