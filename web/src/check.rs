//! Whether the browser's GPU computes what it should.

use mprnet::checkpoint::Checkpoint;
use mprnet::conformance::{GoldenNetwork, check_network_async};
use mprnet::model::{Mode, Weights};
use wasm_bindgen::prelude::*;

use super::Session;
use super::errors::{Result, named, thrown};

#[wasm_bindgen]
impl Session {
    /// Checks a network tensor by tensor, in f32 and f16, against the twin of the shaders and PyTorch's tensors, both
    /// in safetensors files, in the local mode of crops of `local` pixels where that is given; gives the checks as
    /// `mprnet conformance` does, in JSON.
    ///
    /// # Errors
    /// Where the files do not belong together.
    pub async fn check(
        &self,
        name: String,
        weights: Vec<u8>,
        tensors: Vec<u8>,
        local: Option<u32>,
    ) -> Result<String> {
        let mode = local.map_or(Mode::Global, |size| Mode::Local { train_size: Some(size) });
        let device = self.device.clone();
        let weights = Weights::from_safetensors(&weights, &name).map_err(thrown)?;
        let file = Checkpoint::from_safetensors(&tensors, &name).map_err(thrown)?;
        let network = GoldenNetwork::of(&name, weights, mode, &file).map_err(thrown)?;
        let checks = check_network_async(&device, &network).await;
        serde_json::to_string(&checks).map_err(|error| named("Failed", &error.to_string()))
    }
}
