//! Pipelines, made once per kernel and kept; on disk too, where the driver leaves that to programs.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::{Device, KernelSpec, trusted};
use crate::output::Output;
use crate::{Error, Result};

/// A compiled kernel.
#[derive(Debug)]
pub struct Pipeline {
    /// The pipeline.
    pub pipeline: wgpu::ComputePipeline,
    /// The layout of its one bind group.
    pub layout: wgpu::BindGroupLayout,
}

/// The pipelines of a device.
#[derive(Debug, Default)]
pub struct Pipelines {
    made: Mutex<HashMap<KernelSpec, Arc<Pipeline>>>,
    disk: Option<DiskCache>,
}

impl Pipelines {
    /// Pipelines that are remembered in `folder`, where the device was opened with the feature for it.
    pub(super) fn remembered(device: &wgpu::Device, adapter: &wgpu::AdapterInfo, folder: &Path) -> Self {
        Self { made: Mutex::default(), disk: DiskCache::open(device, adapter, folder) }
    }

    /// Makes the pipelines that are missing of `specs`, several at once: on GPUs a driver takes up to a second for
    /// each, on one core.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's text.
    pub fn prepare<'a>(
        &self,
        device: &Device,
        specs: impl IntoIterator<Item = &'a KernelSpec>,
    ) -> Result<()> {
        let missing: Vec<&KernelSpec> = {
            let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            let missing: BTreeSet<_> = specs.into_iter().filter(|spec| !made.contains_key(*spec)).collect();
            missing.into_iter().collect()
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(missing.len());
        let make_some = |first: usize| -> Result<Vec<(KernelSpec, Arc<Pipeline>)>> {
            let own = missing.iter().skip(first).step_by(threads);
            own.map(|spec| Ok(((*spec).clone(), Arc::new(self.make(device, spec)?)))).collect()
        };
        let results: Vec<_> = std::thread::scope(|scope| {
            let make_some = &make_some;
            let workers: Vec<_> = (0..threads).map(|i| scope.spawn(move || make_some(i))).collect();
            workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        for result in results {
            made.extend(result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        if let (Some(disk), false) = (&self.disk, missing.is_empty()) {
            disk.save();
        }
        Ok(())
    }

    /// The pipeline of a kernel, made at the first call.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's text.
    pub fn get(&self, device: &Device, spec: &KernelSpec) -> Result<Arc<Pipeline>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = made.get(spec) {
            return Ok(Arc::clone(found));
        }
        let pipeline = Arc::new(self.make(device, spec)?);
        made.insert(spec.clone(), Arc::clone(&pipeline));
        Ok(pipeline)
    }

    /// How many distinct kernels have been compiled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn make(&self, device: &Device, spec: &KernelSpec) -> Result<Pipeline> {
        let name = spec.name();
        let replaced = device.replaced(spec.shader);
        let source = replaced.map_or_else(|| spec.link(), |text| spec.link_replaced(text))?;
        let wgpu = device.wgpu();
        device
            .checked(|| {
                let source = wgpu::ShaderSource::Wgsl(source.into());
                let descriptor = wgpu::ShaderModuleDescriptor { label: Some(&name), source };
                let module = if device.checks(spec.shader) {
                    wgpu.create_shader_module(descriptor)
                } else {
                    trusted::module(wgpu, descriptor)
                };
                // The crate's shaders write workgroup memory in full before each barrier.
                let options = wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: replaced.is_some(),
                    ..Default::default()
                };
                let pipeline = wgpu.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: Some(&name),
                    layout: None,
                    module: &module,
                    entry_point: Some("main"),
                    compilation_options: options,
                    cache: self.disk.as_ref().map(|disk| &disk.cache),
                });
                let layout = pipeline.get_bind_group_layout(0);
                Pipeline { pipeline, layout }
            })
            .map_err(|reason| Error::Shader { kernel: name.clone(), reason })
    }
}

/// What a driver has compiled, in a file: a SHA-256, then the driver's own data.
#[derive(Debug)]
struct DiskCache {
    cache: wgpu::PipelineCache,
    file: PathBuf,
}

impl DiskCache {
    fn open(device: &wgpu::Device, adapter: &wgpu::AdapterInfo, folder: &Path) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let file = folder.join(wgpu::util::pipeline_cache_key(adapter)?);
        let stored = std::fs::read(&file).ok();
        let intact = stored.as_deref().and_then(|bytes| {
            let (digest, data) = bytes.split_at_checked(Sha256::output_size())?;
            (Sha256::digest(data).as_slice() == digest).then_some(data)
        });
        Some(Self { cache: trusted::pipeline_cache(device, intact), file })
    }

    /// Without it the next start compiles again: no failure of the photo at hand.
    fn save(&self) {
        let Some(data) = self.cache.get_data() else { return };
        let written = || -> Result<()> {
            if let Some(folder) = self.file.parent() {
                let _ = std::fs::create_dir_all(folder);
            }
            let output = Output::create(&self.file)?;
            let whole = [Sha256::digest(&data).as_slice(), &data].concat();
            let written = output.file().write_all(&whole).and_then(|()| output.commit());
            written.map_err(|source| Error::Io { action: "write", path: self.file.clone(), source })
        };
        if let Err(error) = written() {
            tracing::debug!("compiled kernels are not remembered: {error}");
        }
    }
}
