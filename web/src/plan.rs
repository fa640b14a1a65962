//! What a photo takes, before it is restored.

use mprnet::conformance::AdapterReport;
use mprnet::graph::cost;
use mprnet::kernels::{self, Target};
use mprnet::plan::Budget;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::Session;
use super::errors::{Result, named, thrown};
use super::options::Options;

/// Bytes of a module's 4 GiB that may pass between bands: photos, weights and tables are there, too.
const HOST_BYTES: u64 = 3 << 30;

/// What a photo takes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    width: u32,
    height: u32,
    /// Bytes on the GPU, weights apart.
    memory: u64,
    /// Bytes of tensors that pass through the page's own memory.
    host_memory: u64,
    /// Bytes of the GPU's memory that photos may take.
    allowed: u64,
    /// Bands of rows that the photo is computed in, of all groups of operators; 1 where it is computed as a whole.
    bands: usize,
    operators: usize,
    multiply_adds: f64,
}

/// What was opened.
#[derive(Serialize)]
struct Opened {
    adapter: AdapterReport,
    network: Network,
}

/// The widths of a network, by the paper's names, and its size.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Network {
    features: u32,
    unet_features: u32,
    orsnet_features: u32,
    blocks: u32,
    shuffle: u32,
    parameters: f64,
}

#[wasm_bindgen]
impl Session {
    /// What a photo of that size takes, as JSON.
    ///
    /// # Errors
    /// `TooLarge` where not even the narrowest bands fit what is allowed, or what passes between them is more than a
    /// module can have.
    pub fn plan(&self, width: u32, height: u32) -> Result<String> {
        serde_json::to_string(&self.planned(width, height).map_err(thrown)?)
            .map_err(|error| named("Failed", &error.to_string()))
    }

    /// The adapter and the network, as JSON.
    ///
    /// # Errors
    /// None but a mistake of this module.
    pub fn opened(&self) -> Result<String> {
        let config = self.weights.config();
        let network = Network {
            features: config.n_feat,
            unet_features: config.scale_unetfeats,
            orsnet_features: config.scale_orsnetfeats,
            blocks: config.num_cab,
            shuffle: config.shuffle,
            parameters: self.weights.parameter_count() as f64,
        };
        let opened = Opened { adapter: self.device.adapter().into(), network };
        serde_json::to_string(&opened).map_err(|error| named("Failed", &error.to_string()))
    }
}

impl Session {
    fn planned(&self, width: u32, height: u32) -> mprnet::Result<Planned> {
        let graph = self.graph(self.options.seen(width, height))?;
        let Options { precision, memory: allowed, .. } = self.options;
        let (mut target, limits) = (Target::of(&self.device, precision), self.device.wgpu().limits());
        let buffer = limits.max_buffer_size;
        target.scratch = target.scratch.min(limits.max_storage_buffer_binding_size);
        let budget = Budget { bytes: allowed, buffer, precision };
        let (plan, operators) = kernels::planned(&graph, &budget, &target)?;
        if plan.host_bytes() > HOST_BYTES {
            return Err(mprnet::Error::HostMemory { bytes: plan.host_bytes() });
        }
        Ok(Planned {
            width,
            height,
            memory: plan.device_bytes(),
            host_memory: plan.host_bytes(),
            allowed,
            bands: if plan.schedule.streams() { plan.schedule.bands.len() } else { 1 },
            operators: operators.len(),
            multiply_adds: graph.nodes().iter().map(|node| cost::multiply_adds(&graph, node) as f64).sum(),
        })
    }
}
