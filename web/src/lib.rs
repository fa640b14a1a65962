//! MPRNet in browsers: what the npm package's worker calls. Everything runs on the worker's one thread, which waits for
//! the GPU by promises.

mod check;
mod errors;
mod inside;
mod options;
mod plan;
mod profile;

use std::rc::Rc;

use js_sys::{Function, Uint8ClampedArray};
use mprnet::gpu::{Device, DeviceOptions};
use mprnet::image::{Channels, Frame, Pixels};
use mprnet::model::Weights;
use mprnet::{Cancel, Progress, Restorer, RestorerOptions};
use wasm_bindgen::prelude::*;

use errors::{Result, thrown};
use options::Options;

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
    options: Options,
}

/// Hands what a panic says to `told`: after one, nothing of this module works any more.
#[wasm_bindgen]
pub fn begin(told: Function) {
    errors::tell_panics(told);
}

/// Opens the GPU and takes the weights of a safetensors file, which `origin` names in errors. `options` are those of
/// the package's `Mprnet.create`, as JSON; photos that need more bytes of the GPU's memory than they allow are computed
/// in bands.
///
/// # Errors
/// Without WebGPU, where the file holds no MPRNet, or where options do not go together.
#[wasm_bindgen]
pub async fn open(file: Vec<u8>, origin: String, options: String) -> Result<Session> {
    let options = Options::of(&options)?;
    let weights = Weights::from_safetensors(&file, &origin).map_err(thrown)?;
    weights.accepts(options.mode).map_err(thrown)?;
    let device = Device::new_async(&DeviceOptions::default()).await.map_err(thrown)?;
    let Options { precision, memory, mode } = options;
    // Browsers hand out more memory than there is, and then lose the device.
    let options_of =
        RestorerOptions { precision, mode, max_memory: Some(memory), ..RestorerOptions::default() };
    let restorer = Rc::new(Restorer::new(weights.clone(), device.clone(), options_of));
    Ok(Session { device, restorer, weights, options })
}

/// A photo of four bytes a pixel, R, G, B and transparency.
fn frame(rgba: &[u8], width: u32, height: u32) -> Result<Frame> {
    let opaque = rgba.as_chunks::<4>().0.iter().all(|pixel| pixel[3] == u8::MAX);
    let channels = if opaque { Channels::Rgb } else { Channels::Rgba };
    let packed = Pixels::packed(width, height, Channels::Rgba);
    Frame::from_slice(rgba, &Pixels { channels, ..packed }).map_err(thrown)
}

/// A result in the bytes of its photo, whose transparency stays.
fn written(result: &Frame, mut rgba: Vec<u8>, width: u32, height: u32) -> Result<Vec<u8>> {
    result.write_to_slice(&mut rgba, &Pixels::packed(width, height, Channels::Rgba)).map_err(thrown)?;
    Ok(rgba)
}

/// Tells `progress` what share is done.
fn teller(progress: &Function) -> impl FnMut(Progress) {
    |Progress { done, total }| {
        let share = done as f64 / total.max(1) as f64;
        // Who throws when told still gets the photo.
        let _ = progress.call1(&JsValue::NULL, &share.into());
    }
}

#[wasm_bindgen]
impl Session {
    /// Restores a photo of four bytes a pixel, R, G, B and transparency, and gives as many back. `strength` says how
    /// far the result goes from the photo, 0 to 1; `progress` hears how far it is, 0 to 1, a few times a second.
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
        let photo = frame(&rgba, width, height)?;
        let restoration = self.restorer.photo(&photo).strength(strength).progress(teller(&progress));
        let restored = restoration.cancelled_by(&stop.0).restore_async().await.map_err(thrown)?;
        Ok(Uint8ClampedArray::from(written(&restored, rgba, width, height)?.as_slice()))
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
