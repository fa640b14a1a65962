//! What a photo takes, before it is restored.

use mprnet::graph::{cost, passes};
use mprnet::kernels;
use mprnet::model::{self, ImageFormat, NetworkOptions, Stage};
use mprnet::plan::MemoryPlan;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::Session;
use super::errors::{Result, named, thrown};

/// What a photo takes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    width: u32,
    height: u32,
    /// Bytes of the tensors on the GPU.
    memory: u64,
    /// Bytes that photos may take.
    allowed: u64,
    operators: usize,
    multiply_adds: f64,
}

#[wasm_bindgen]
impl Session {
    /// What a photo of that size takes, as JSON.
    ///
    /// # Errors
    /// Where no GPU of these limits can hold a strip of its tensors.
    pub fn plan(&self, width: u32, height: u32) -> Result<String> {
        serde_json::to_string(&self.planned(width, height).map_err(thrown)?)
            .map_err(|error| named("Failed", &error.to_string()))
    }

    /// The adapter, as JSON.
    ///
    /// # Errors
    /// None but a mistake of this module.
    pub fn adapter(&self) -> Result<String> {
        let report = self.device.adapter().map(mprnet::conformance::AdapterReport::from);
        serde_json::to_string(&report).map_err(|error| named("Failed", &error.to_string()))
    }
}

impl Session {
    fn planned(&self, width: u32, height: u32) -> mprnet::Result<Planned> {
        let (format, stage) = (ImageFormat::Words, Stage::Three);
        let options = NetworkOptions { width, height, format, stage, keep: Vec::new() };
        let graph = passes::optimize(model::build(&self.weights, &options)?)?;
        let (target, limits) = (self.device.target(self.precision), self.device.wgpu().limits());
        let scratch: Vec<Vec<u64>> =
            graph.nodes().iter().map(|node| kernels::lower(&graph, node, &target).scratch).collect();
        let memory = MemoryPlan::new(&graph, self.precision, limits.max_buffer_size, &scratch)?.bytes();
        let multiply_adds = graph.nodes().iter().map(|node| cost::multiply_adds(&graph, node) as f64).sum();
        let (operators, allowed) = (graph.nodes().len(), self.memory);
        Ok(Planned { width, height, memory, allowed, operators, multiply_adds })
    }

    /// Refuses a photo that takes more memory than it may: browsers hand out more than there is, and then lose the device.
    ///
    /// # Errors
    /// `TooLarge`, with what it takes.
    pub(super) fn fits(&self, width: u32, height: u32) -> Result<()> {
        let Planned { memory, allowed, .. } = self.planned(width, height).map_err(thrown)?;
        if memory <= allowed {
            return Ok(());
        }
        let [takes, may] = [memory, allowed].map(|bytes| bytes.div_ceil(1 << 20));
        let text = format!(
            "a photo of {width}x{height} pixels takes {takes} MiB of the GPU's memory, and {may} are allowed; take a smaller \
             photo, or allow more"
        );
        Err(named("TooLarge", &text))
    }
}
