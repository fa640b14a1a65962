//! MPRNet in browsers: what the npm package's worker calls. Everything runs on the worker's one thread, which waits for the
//! GPU by promises.

mod check;
mod errors;
mod plan;

use std::rc::Rc;

use js_sys::{Function, Uint8ClampedArray};
use mprnet::gpu::{Device, DeviceOptions};
use mprnet::image::{Channels, Frame, Pixels};
use mprnet::model::Weights;
use mprnet::plan::Precision;
use mprnet::{Cancel, Progress, Restorer, RestorerOptions};
use wasm_bindgen::prelude::*;

use errors::{Result, thrown};

/// A word that ends a restoration early.
#[wasm_bindgen]
#[derive(Default)]
pub struct Stop(Cancel);

#[wasm_bindgen]
impl Stop {
    /// One that nobody has called yet.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the restorations that look at this.
    pub fn call(&self) {
        self.0.cancel();
    }
}

/// A network on the browser's GPU.
#[wasm_bindgen]
pub struct Session {
    device: Device,
    restorer: Rc<Restorer>,
    weights: Weights,
    precision: Precision,
    memory: u64,
}

/// Hands what a panic says to `told`: after one, nothing of this module works any more.
#[wasm_bindgen]
pub fn begin(told: Function) {
    errors::tell_panics(told);
}

/// Opens the GPU and takes the weights of a safetensors file, which `origin` names in errors. `precision` is f32, f16 or exact;
/// photos that need more bytes of the GPU's memory than `memory` are computed in bands of rows.
///
/// # Errors
/// Without WebGPU, or where the file holds no MPRNet.
#[wasm_bindgen]
pub async fn open(file: Vec<u8>, origin: String, precision: String, memory: f64) -> Result<Session> {
    let weights = Weights::from_safetensors(&file, &origin).map_err(thrown)?;
    let precision = match precision.as_str() {
        "f32" => Precision::F32,
        "f16" => Precision::F16,
        "exact" => Precision::Exact,
        other => {
            return Err(errors::named("Input", &format!("{other} is no precision: give f32, f16 or exact")));
        }
    };
    let device = Device::new_async(&DeviceOptions::default()).await.map_err(thrown)?;
    // Browsers hand out more memory than there is, and then lose the device.
    let memory = memory as u64;
    let options = RestorerOptions { precision, max_memory: Some(memory), ..RestorerOptions::default() };
    let restorer = Rc::new(Restorer::new(weights.clone(), device.clone(), options));
    Ok(Session { device, restorer, weights, precision, memory })
}

#[wasm_bindgen]
impl Session {
    /// Restores a photo of four bytes a pixel, R, G, B and transparency, and gives as many back. `strength` says how far the
    /// result goes from the photo, 0 to 1; `progress` hears how far it is, 0 to 1, a few times a second.
    ///
    /// # Errors
    /// Where the photo does not fit the GPU's memory, was stopped, or the GPU fails.
    pub async fn restore(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        strength: f32,
        progress: Function,
        stop: &Stop,
    ) -> Result<Uint8ClampedArray> {
        let (restorer, cancel) = (Rc::clone(&self.restorer), stop.0.clone());
        let opaque = rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == u8::MAX);
        let packed = Pixels::packed(width, height, Channels::Rgba);
        let channels = if opaque { Channels::Rgb } else { Channels::Rgba };
        let photo = Frame::from_slice(&rgba, &Pixels { channels, ..packed }).map_err(thrown)?;
        let tell = |Progress { done, total }| {
            let share = done as f64 / total.max(1) as f64;
            // Who throws when told still gets the photo.
            let _ = progress.call1(&JsValue::NULL, &share.into());
        };
        let restoration = restorer.photo(&photo).strength(strength).progress(tell).cancelled_by(&cancel);
        let restored = restoration.restore_async().await.map_err(thrown)?;
        let mut out = rgba;
        restored.write_to_slice(&mut out, &packed).map_err(thrown)?;
        Ok(Uint8ClampedArray::from(out.as_slice()))
    }

    /// Why the GPU was lost, once it is: nothing runs on it any more.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        self.device.lost().map(str::to_owned)
    }

    /// Gives all memory on the GPU back.
    pub fn close(self) {
        self.device.wgpu().destroy();
    }
}
