//! What browsers call the maker of an adapter, which wgpu passes over.

/// Such as `apple`; none where a browser does not tell, and outside of browsers, which have numbers for it.
#[cfg(target_family = "wasm")]
pub(super) fn name(device: &wgpu::Device) -> Option<String> {
    use js_sys::Reflect;
    use wasm_bindgen::JsValue;

    let device: &JsValue = device.as_webgpu()?.as_ref();
    let info = Reflect::get(device, &"adapterInfo".into()).ok()?;
    Reflect::get(&info, &"vendor".into()).ok()?.as_string()
}

/// Such as `apple`; none where a browser does not tell, and outside of browsers, which have numbers for it.
#[cfg(not(target_family = "wasm"))]
pub(super) fn name(_: &wgpu::Device) -> Option<String> {
    None
}
