//! The device that everything runs on.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::checked::Untold;
use super::stamps::Spare;
use super::wait::{Poller, Submitted};
use super::{AdapterSummary, Maker, Pipelines, Storage, adapters, trusted};
use crate::plan::Precision;
use crate::{Error, Result};

/// What profiling reads the adapter's clock with; nothing else does.
const TIMESTAMPS: wgpu::Features =
    wgpu::Features::TIMESTAMP_QUERY.union(wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES);

/// Which adapter to use.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// Index in [`adapters`], or part of an adapter's name (any case). Without it `WGPU_ADAPTER_NAME` is
    /// honoured, then a real GPU is preferred to a software adapter.
    pub device: Option<String>,
    /// Keeps the checks of every loop and index that WebGPU adds to shaders: slower, and the same results.
    pub checked_shaders: bool,
    /// A folder for what the driver compiles, so that the next start need not: for drivers of GPUs, which leave that
    /// to programs; Mesa's lavapipe has a cache of its own.
    pub pipeline_folder: Option<PathBuf>,
    /// Chooses kernels as for a GPU of that maker, whatever the adapter is: to test them, and to compare.
    pub kernels_for: Option<Maker>,
    /// Chooses kernels as for a software adapter with vectors of 8 or 16 lanes whose compiler loads once what is the
    /// same for all of them, whatever it does: to test them, and to compare.
    pub uniform_loads: Option<u32>,
}

/// A device and queue of wgpu, what they can do, and the pipelines made on them. A clone is another handle of the same.
#[derive(Clone, Debug)]
pub struct Device {
    handle: wgpu::Device,
    queue: wgpu::Queue,
    summary: AdapterSummary,
    pipelines: Arc<Pipelines>,
    poller: Arc<Poller>,
    /// What passes are timed with.
    pub(super) laps: Spare,
    /// Errors that a browser has yet to tell.
    pub(super) untold: Arc<Mutex<Vec<Untold>>>,
    /// Why the device was lost, once it is; a host program's own device tells the host program.
    lost: Arc<OnceLock<String>>,
    checked_shaders: bool,
    /// As [`DeviceOptions`] has it.
    pub(crate) kernels_for: Option<Maker>,
    /// As [`DeviceOptions`] has it.
    pub(crate) uniform_loads: Option<u32>,
    /// Names of what the driver has failed to compile.
    given_up: Arc<Mutex<Vec<&'static str>>>,
    /// The text that takes the place of a shader.
    replaced: Option<(&'static str, String)>,
}

impl Device {
    /// What a device is best opened with, and works without: 16-bit storage as it is
    /// ([`wgpu::Features::SHADER_F16`]), kernels that spread loads over a subgroup ([`wgpu::Features::SUBGROUP`]), and
    /// words of 64 bits, which only software adapters gain by ([`wgpu::Features::SHADER_INT64`]).
    pub const FEATURES: wgpu::Features =
        wgpu::Features::SHADER_F16.union(wgpu::Features::SUBGROUP).union(wgpu::Features::SHADER_INT64);

    /// Opens an adapter with all of its limits.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::UnknownDevice`], or [`Error::Gpu`] where the driver refuses or the adapter has a
    /// limit that is too low ([`AdapterSummary::lacks`]).
    pub fn new(options: &DeviceOptions) -> Result<Self> {
        pollster::block_on(Self::new_async(options))
    }

    /// As [`Self::new`], for who waits in a way of its own: in browsers this thread must not.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub async fn new_async(options: &DeviceOptions) -> Result<Self> {
        let named = options.device.as_deref();
        let (adapter, summary) = adapters::select(adapters::usable().await, named)?;
        match Self::open_with(&adapter, summary.clone(), options).await {
            Err(error) => {
                let (adapter, summary) = adapters::without_dxc(&summary).await.ok_or(error)?;
                Self::open_with(&adapter, summary, options).await
            }
            opened => opened,
        }
    }

    async fn open_with(
        adapter: &wgpu::Adapter,
        summary: AdapterSummary,
        options: &DeviceOptions,
    ) -> Result<Self> {
        if let Some(reason) = summary.lacks() {
            return Err(Error::Gpu { during: opening(&summary), reason });
        }
        let mut wanted = Self::FEATURES | TIMESTAMPS;
        // wgpu lists it by the shapes of matrices; but lavapipe has shapes where it refuses the feature.
        if !summary.matrices().is_empty() {
            wanted |= wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
        }
        let folder = options.pipeline_folder.as_deref().filter(|_| !summary.is_software());
        if folder.is_some() {
            wanted |= wgpu::Features::PIPELINE_CACHE;
        }
        let opened = Self::open(adapter, summary, adapter.features() & wanted, adapter.limits()).await?;
        let opened = match folder {
            Some(folder) => opened.with_pipeline_folder(folder),
            None => opened,
        };
        let DeviceOptions { checked_shaders, kernels_for, uniform_loads, .. } = *options;
        Ok(Self { checked_shaders, kernels_for, uniform_loads, ..opened })
    }

    /// A device that validates and records everything and computes nothing, with just those limits and features:
    /// for checking plans without a GPU.
    ///
    /// # Errors
    /// [`Error::Gpu`].
    pub fn noop(limits: wgpu::Limits, features: wgpu::Features) -> Result<Self> {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::NOOP;
        descriptor.backend_options.noop.enable = true;
        let instance = wgpu::Instance::new(descriptor);
        let adapter =
            pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).map_err(
                |e| Error::Gpu { during: "opening the noop adapter".into(), reason: e.to_string() },
            )?;
        let summary = AdapterSummary::of(&adapter);
        pollster::block_on(Self::open(&adapter, summary, features, limits))
    }

    async fn open(
        adapter: &wgpu::Adapter,
        summary: AdapterSummary,
        features: wgpu::Features,
        limits: wgpu::Limits,
    ) -> Result<Self> {
        let experimental = features.contains(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);
        let experimental_features =
            if experimental { trusted::experimental() } else { wgpu::ExperimentalFeatures::disabled() };
        let request = wgpu::DeviceDescriptor {
            label: Some("mprnet"),
            required_features: features,
            experimental_features,
            required_limits: limits,
            memory_hints: wgpu::MemoryHints::MemoryUsage,
            ..Default::default()
        };
        let opened = adapter.request_device(&request).await;
        let (device, queue) =
            opened.map_err(|e| Error::Gpu { during: opening(&summary), reason: e.to_string() })?;
        let summary = summary.made_by_vendor_of(&device);
        let opened = Self::on(device, queue, summary);
        let told = Arc::clone(&opened.lost);
        opened.handle.set_device_lost_callback(move |_, text| {
            let _ = told.set(format!("the device was lost: {text}"));
        });
        Ok(opened)
    }

    /// Uses a device and queue that the host program has opened, best with those of [`Device::FEATURES`] that its
    /// adapter has, and with the adapter's limits.
    ///
    /// What the host program has asked of wgpu to be called back for (`map_async`, `on_submitted_work_done`) may be
    /// called on threads of this library, which ask the device whether work is done: it is to be short, must never wait
    /// for a restorer, and its panics end there.
    #[must_use]
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let summary = AdapterSummary::of_device(&device);
        Self::on(device, queue, summary)
    }

    fn on(device: wgpu::Device, queue: wgpu::Queue, summary: AdapterSummary) -> Self {
        let lost = Arc::default();
        Self {
            poller: Arc::new(Poller::new(device.clone(), Arc::clone(&lost))),
            handle: device,
            queue,
            summary,
            pipelines: Arc::default(),
            laps: Arc::default(),
            untold: Arc::default(),
            lost,
            checked_shaders: false,
            kernels_for: None,
            uniform_loads: None,
            given_up: Arc::default(),
            replaced: None,
        }
    }

    /// The same, for calls of which a browser tells whoever makes them and nobody else.
    pub(crate) fn apart(self) -> Self {
        Self { untold: Arc::default(), ..self }
    }

    /// The same, with the checks of [`DeviceOptions::checked_shaders`].
    #[must_use]
    pub fn with_checked_shaders(self) -> Self {
        Self { checked_shaders: true, pipelines: Arc::default(), ..self }
    }

    /// The same, with what the driver compiles kept in that folder ([`DeviceOptions::pipeline_folder`]): for a host
    /// program's own device that has [`wgpu::Features::PIPELINE_CACHE`]; others compile at every start. The last of
    /// these to be called, before the device is used: what there is of pipelines stays behind.
    #[must_use]
    pub fn with_pipeline_folder(self, folder: &Path) -> Self {
        let pipelines = Arc::new(Pipelines::remembered(&self.handle, folder));
        Self { pipelines, ..self }
    }

    /// The same, with kernels chosen as by [`DeviceOptions::kernels_for`].
    #[must_use]
    pub fn with_kernels_for(self, maker: Maker) -> Self {
        Self { kernels_for: Some(maker), ..self }
    }

    /// The adapter; where the host program opened it, as far as that lets this device use it.
    #[must_use]
    pub fn adapter(&self) -> &AdapterSummary {
        &self.summary
    }

    /// Whether it runs shaders on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.summary.is_software()
    }

    /// Why the device was lost, once it is; a host program's own device tells the host program alone.
    #[must_use]
    pub fn lost(&self) -> Option<&str> {
        self.lost.get().map(String::as_str)
    }

    /// The device of wgpu.
    #[must_use]
    pub fn wgpu(&self) -> &wgpu::Device {
        &self.handle
    }

    /// The queue of wgpu.
    #[must_use]
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// Whether a shader keeps all checks: what comes from elsewhere may loop without end and reach anywhere.
    pub(super) fn checks(&self, shader: &str) -> bool {
        self.checked_shaders || self.replaced(shader).is_some()
    }

    /// Puts another text in the place of an operator's shader, linked with the same parts: to try a kernel out. It is
    /// compiled with all checks, whatever [`DeviceOptions::checked_shaders`] says, since its origin is unknown. Errors
    /// in it show as [`Error::Shader`] when it is first needed.
    #[must_use]
    pub fn with_shader(self, shader: &'static str, text: String) -> Self {
        let replaced = Some((shader, text));
        Self { replaced, pipelines: Arc::default(), given_up: Arc::default(), ..self }
    }

    /// What takes the place of a shader.
    pub(super) fn replaced(&self, shader: &str) -> Option<&str> {
        self.replaced.as_ref().filter(|(name, _)| *name == shader).map(|(_, text)| text.as_str())
    }

    /// The pipelines made so far.
    #[must_use]
    pub fn pipelines(&self) -> &Pipelines {
        &self.pipelines
    }

    /// Remembers that kernels of that name do not compile here, or are not right, so that the rule no longer chooses
    /// them; with a warning, once.
    pub(crate) fn give_up(&self, kernel: &'static str, reason: &str) {
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        if !given_up.contains(&kernel) {
            tracing::warn!("{reason}; the convolutions that would use {kernel} get another kernel");
            given_up.push(kernel);
        }
    }

    /// Whether kernels of that name were given up.
    pub(crate) fn has_given_up(&self, kernel: &str) -> bool {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).contains(&kernel)
    }

    /// How features and weights are stored at a precision.
    #[must_use]
    pub fn storage(&self, precision: Precision) -> Storage {
        match precision {
            Precision::F32 | Precision::Exact => Storage::F32,
            Precision::F16 if self.handle.features().contains(wgpu::Features::SHADER_F16) => Storage::F16,
            Precision::F16 => Storage::F16Packed,
        }
    }

    /// Submits commands, does `then` with the time that they took when they are done, and gives what to wait for.
    ///
    /// The time is counted from when the adapter could begin, which is after what this device was given before.
    pub(crate) fn submit(
        &self,
        commands: wgpu::CommandEncoder,
        then: impl FnOnce(Duration) + Send + 'static,
    ) -> Submitted {
        self.poller.submit(&self.queue, commands, then)
    }
}

/// What fails where a device does not open.
fn opening(summary: &AdapterSummary) -> Cow<'static, str> {
    Cow::Owned(format!("opening {}", summary.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On adapters that check addresses themselves no result tells.
    #[test]
    fn what_comes_from_elsewhere_is_checked() {
        let device = || Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
        assert!(!device().checks("gate"));
        let replaced = device().with_shader("gate", String::new());
        assert!(replaced.checks("gate") && !replaced.checks("add"));
        let all = Device { checked_shaders: true, ..device() };
        assert!(all.checks("gate"));
    }
}
