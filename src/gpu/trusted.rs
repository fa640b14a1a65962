//! The library's only unsafe code: shaders without the checks that WebGPU adds for shaders of unknown origin, caches of
//! pipelines, and experimental features.

#![allow(unsafe_code)]

/// A module of one of this crate's own shaders.
///
/// Two checks are left out. wgpu counts the iterations of every loop, to end those that would not, which keeps drivers
/// from unrolling loops over registers; and it clamps every index. On lavapipe the Winograd product takes three
/// times as long with the first and the whole convolution compiles three times as long with the second. That of
/// divisors stays: with it naga makes a remainder of the quotient, which most lanes need too, and without it compilers
/// divide twice.
pub(super) fn module(
    device: &wgpu::Device,
    descriptor: wgpu::ShaderModuleDescriptor<'_>,
) -> wgpu::ShaderModule {
    let checks = wgpu::ShaderRuntimeChecks {
        bounds_checks: false,
        force_loop_bounding: false,
        ..wgpu::ShaderRuntimeChecks::checked()
    };
    // SAFETY: the sources are those compiled into this crate. (In debug builds alone a developer may name a folder of
    // others, `MPRNET_SHADERS`, and answers for what follows as for a change of the crate's own.)
    //
    // Loops end: each is a `for` over an i32 or u32 that grows by a constant from its start to a bound that the body
    // does not change, a constant or a count of quads, taps, cells or tiles of the uniform block, far below 2^31. A
    // test holds every shader to that form.
    //
    // Indices may pass 2^31 on their way, of a tensor's first element or of the binding's (`View::base`): WGSL's integers
    // wrap, no shader divides or compares before both are added up, and what they add up to is within the binding.
    //
    // Indices stay inside: pixels are clipped to their patch before they are addressed, channels to the tensor's
    // quads, and the rows a window reads and writes are those its bindings were cut to hold, by `Reach`, which the
    // planner's tests check against the graph. What lies past a border and is read without a branch is another pixel of
    // the window instead, and is thrown away. A test runs every kernel with a check around each index, at odd sizes,
    // cut and whole; heavy tests run them with and without WebGPU's checks, and demand the same bits. Probes address
    // their own buffers by workgroup and lane, and are given buffers for just as many.
    unsafe { device.create_shader_module_trusted(descriptor, checks) }
}

/// A cache of compiled pipelines that begins with what an earlier one held.
pub(super) fn pipeline_cache(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data, fallback: true };
    // SAFETY: `data` is what `PipelineCache::get_data` gave on an adapter of the same key: the caller reads it from a
    // file of the user's own cache folder that only this program writes, whole or not at all, and whose SHA-256 it has
    // compared. wgpu and the driver turn down data of another device or version.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// What wgpu wants to be told before it opens a device with cooperative matrices, which it calls experimental.
pub(super) fn experimental() -> wgpu::ExperimentalFeatures {
    // SAFETY: what may go wrong is that wgpu does not check how shaders use the feature. The only shaders that do are
    // this crate's `conv3x3/matrix` and `probe/matrix`: each is used only where the adapter lists its matrices' shape
    // and types and whole subgroups of any of its sizes fill a workgroup, loads from and stores to memory that lies
    // inside the arrays it names, at multiples of 16 bytes from their beginnings, and the lanes of a subgroup never part
    // ways. That the arrays in workgroup memory begin at such multiples, as Vulkan wants, is the driver's doing, and
    // WGSL cannot ask for it: drivers whose sums are known to be wrong get none (`gpu/quirks.rs`), and on others they
    // are compared before they are used (`tune/proof.rs`). No other experimental feature is asked for.
    unsafe { wgpu::ExperimentalFeatures::enabled() }
}
