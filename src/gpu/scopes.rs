//! The scopes that errors of calls are told to.

use std::pin::Pin;

/// The error of a scope, if there was one: told at once by wgpu's own backends, and some time later by browsers.
pub(super) type Told = Pin<Box<dyn Future<Output = Option<wgpu::Error>> + Send>>;

/// What calls give, and what scopes of every kind around them will tell.
#[cfg(not(target_family = "wasm"))]
pub(super) fn around<T>(device: &wgpu::Device, calls: impl FnOnce() -> T) -> (T, Vec<Told>) {
    let filters =
        [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
    let scopes = filters.map(|filter| device.push_error_scope(filter));
    let value = calls();
    let told = scopes.into_iter().rev().map(|scope| -> Told { Box::pin(scope.pop()) });
    (value, told.collect())
}

#[cfg(target_family = "wasm")]
pub(super) use browser::around;

/// wgpu panics of the errors that browsers call internal, those of drivers' compilers among them.
#[cfg(target_family = "wasm")]
mod browser {
    use std::sync::{Arc, Mutex, PoisonError};

    use event_listener::Event;
    use js_sys::{Promise, Reflect};
    use wasm_bindgen::prelude::*;
    use wasm_bindgen_futures::{JsFuture, spawn_local};

    use super::Told;

    #[wasm_bindgen]
    extern "C" {
        type GpuDevice;
        #[wasm_bindgen(method, js_name = pushErrorScope)]
        fn push_error_scope(this: &GpuDevice, filter: &str);
        #[wasm_bindgen(method, js_name = popErrorScope)]
        fn pop_error_scope(this: &GpuDevice) -> Promise;
    }

    const FILTERS: [&str; 3] = ["internal", "out-of-memory", "validation"];

    pub(in crate::gpu) fn around<T>(device: &wgpu::Device, calls: impl FnOnce() -> T) -> (T, Vec<Told>) {
        let Some(device) = device.as_webgpu() else { return (calls(), Vec::new()) };
        let device: &GpuDevice = device.unchecked_ref();
        FILTERS.iter().for_each(|filter| device.push_error_scope(filter));
        let value = calls();
        (value, FILTERS.iter().map(|_| told(device.pop_error_scope())).collect())
    }

    /// What a promise gives, whom a thread could wait for that it is not of.
    fn told(promise: Promise) -> Told {
        let answer = Arc::new((Mutex::new(None), Event::new()));
        let heard = Arc::clone(&answer);
        spawn_local(async move {
            // It is refused where the device is lost, which is told otherwise.
            let error = JsFuture::from(promise).await.ok().and_then(|error| of(&error));
            *answer.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            answer.1.notify(usize::MAX);
        });
        Box::pin(async move {
            loop {
                let told = heard.1.listen();
                if let Some(error) = heard.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    return error;
                }
                told.await;
            }
        })
    }

    fn of(error: &JsValue) -> Option<wgpu::Error> {
        if error.is_null() || error.is_undefined() {
            return None;
        }
        let text = |of: &JsValue, name: &str| {
            Reflect::get(of, &name.into()).ok().and_then(|text| text.as_string()).unwrap_or_default()
        };
        let class = Reflect::get(error, &"constructor".into()).map(|class| text(&class, "name"));
        let description = text(error, "message");
        let source = description.clone().into();
        Some(match class.unwrap_or_default().as_str() {
            "GPUOutOfMemoryError" => wgpu::Error::OutOfMemory { source },
            "GPUValidationError" => wgpu::Error::Validation { source, description },
            _ => wgpu::Error::Internal { source, description },
        })
    }
}
