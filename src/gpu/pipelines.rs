//! Pipelines, made once per kernel and kept; on disk too, where the driver leaves that to programs.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use super::checked::Refused;
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

/// A pipeline, or why there is none; empty until somebody asks for it. Whoever asks meanwhile waits.
type Cell = Arc<OnceLock<std::result::Result<Arc<Pipeline>, Refused>>>;

/// The pipelines of a device.
#[derive(Debug, Default)]
pub struct Pipelines {
    cells: Mutex<HashMap<KernelSpec, Cell>>,
    disk: Option<DiskCache>,
}

impl Pipelines {
    /// Pipelines that are remembered in `folder`, where the device was opened with the feature for it.
    pub(super) fn remembered(device: &wgpu::Device, folder: &Path) -> Self {
        Self { cells: Mutex::default(), disk: DiskCache::open(device, folder) }
    }

    /// Makes the pipelines that are missing of `specs`, several at once: on GPUs a driver takes up to a second for
    /// each, on one core, and FXC three.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's text.
    pub fn prepare<'a>(
        &self,
        device: &Device,
        specs: impl IntoIterator<Item = &'a KernelSpec>,
    ) -> Result<()> {
        let specs: Vec<&KernelSpec> = specs.into_iter().collect();
        let ahead = self.ahead(device, specs.iter().copied());
        let made = specs.iter().try_for_each(|spec| self.get(device, spec).map(|_| ()));
        ahead.finish();
        made
    }

    /// Begins to make the pipelines that work will ask for, in the order given, on as many threads as there are cores.
    pub(crate) fn ahead<'a>(
        &self,
        device: &Device,
        specs: impl IntoIterator<Item = &'a KernelSpec>,
    ) -> Ahead {
        let mut seen = HashSet::new();
        let missing: Vec<&KernelSpec> =
            specs.into_iter().filter(|spec| seen.insert(*spec) && !self.has(spec)).collect();
        if cfg!(target_family = "wasm") {
            // Browsers start no threads for a program, and compile on their own: that is begun here, and told later.
            missing.iter().for_each(|spec| drop(self.get(device, spec)));
            return Ahead::default();
        }
        // OpenGL does one thing at a time, and wgpu panics where it waits for another thread's for long.
        let alone = || device.wgpu().adapter_info().backend == wgpu::Backend::Gl;
        if missing.is_empty() || alone() {
            return Ahead::default();
        }
        let missing: Arc<[KernelSpec]> = missing.into_iter().cloned().collect();
        let next = Arc::new(AtomicUsize::new(0));
        let start = |_| {
            let (device, missing, next) = (device.clone(), Arc::clone(&missing), Arc::clone(&next));
            let make_some = move || {
                while let Some(spec) = missing.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // What went wrong, or panicked, does so again for who asks for it.
                    let _ = catch_unwind(AssertUnwindSafe(|| device.pipelines().get(&device, spec)));
                }
            };
            // Without the thread, who asks makes it.
            std::thread::Builder::new().spawn(make_some).ok()
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(missing.len());
        let threads = (0..threads).filter_map(start).collect();
        Ahead { device: Some(device.clone()), next: Arc::clone(&next), end: missing.len(), threads }
    }

    /// The pipeline of a kernel, made at the first call.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's text.
    pub fn get(&self, device: &Device, spec: &KernelSpec) -> Result<Arc<Pipeline>> {
        let cell = self.cell(spec);
        let made = cell.get_or_init(|| self.make(device, spec).map(Arc::new)).clone();
        if made.as_ref().is_err_and(|refused| refused.for_now) {
            // Whoever asks the next time has it tried again.
            let mut cells = self.lock();
            if cells.get(spec).is_some_and(|known| Arc::ptr_eq(known, &cell)) {
                cells.remove(spec);
            }
        }
        made.map_err(|Refused { reason, .. }| device.cause_of(Error::Shader { kernel: spec.name(), reason }))
    }

    /// Takes pipelines back that turned out not to be made.
    pub(super) fn refuse(&self, kernel: &str, refused: &Refused) {
        let mut cells = self.lock();
        if refused.for_now {
            cells.retain(|spec, _| spec.name() != kernel);
        }
        for (_, cell) in cells.iter_mut().filter(|(spec, _)| spec.name() == kernel) {
            *cell = Arc::new(OnceLock::from(Err(refused.clone())));
        }
    }

    /// Whether a pipeline is there, or why it is not, without waiting.
    pub(crate) fn has(&self, spec: &KernelSpec) -> bool {
        self.lock().get(spec).is_some_and(|cell| cell.get().is_some())
    }

    fn cell(&self, spec: &KernelSpec) -> Cell {
        let mut cells = self.lock();
        if let Some(cell) = cells.get(spec) {
            return Arc::clone(cell);
        }
        Arc::clone(cells.entry(spec.clone()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KernelSpec, Cell>> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many distinct kernels have been compiled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().values().filter(|cell| matches!(cell.get(), Some(Ok(_)))).count()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn make(&self, device: &Device, spec: &KernelSpec) -> std::result::Result<Pipeline, Refused> {
        let name = spec.name();
        let replaced = device.replaced(spec.shader);
        let source = replaced.map_or_else(|| spec.link(), |text| spec.link_replaced(text));
        let source = source.map_err(|error| {
            let reason = match error {
                Error::Shader { reason, .. } => reason,
                other => other.to_string(),
            };
            Refused { reason, for_now: false }
        })?;
        let wgpu = device.wgpu();
        device.made(&name, || {
            let source = wgpu::ShaderSource::Wgsl(source.into());
            let descriptor = wgpu::ShaderModuleDescriptor { label: Some(&name), source };
            let module = if device.checks(spec.shader) {
                wgpu.create_shader_module(descriptor)
            } else {
                trusted::module(wgpu, descriptor)
            };
            // What nobody has written in workgroup memory never reaches a result of the crate's shaders.
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
    }
}

/// Threads that make pipelines. Once this is gone, none that is not yet begun is made any more.
#[derive(Default)]
pub(crate) struct Ahead {
    device: Option<Device>,
    next: Arc<AtomicUsize>,
    end: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Ahead {
    /// Waits for what is begun: a program should not end while its driver compiles.
    pub(crate) fn finish(mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        if let Some(disk) = self.device.as_ref().and_then(|device| device.pipelines().disk.as_ref()) {
            disk.save();
        }
    }

    fn stop(&self) {
        self.next.fetch_max(self.end, Ordering::Relaxed);
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a driver has compiled, in a file: a SHA-256, then the driver's own data.
#[derive(Debug)]
struct DiskCache {
    cache: wgpu::PipelineCache,
    file: PathBuf,
}

impl DiskCache {
    fn open(device: &wgpu::Device, folder: &Path) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let file = folder.join(wgpu::util::pipeline_cache_key(&device.adapter_info())?);
        let stored = std::fs::read(&file).ok();
        let intact = stored.as_deref().and_then(intact);
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
            let written = output.file().write_all(&sealed(&data)).and_then(|()| output.commit());
            written.map_err(|source| Error::Io { action: "write", path: self.file.clone(), source })
        };
        if let Err(error) = written() {
            tracing::debug!("compiled kernels are not remembered: {error}");
        }
    }
}

/// A driver's data as the file has it.
fn sealed(data: &[u8]) -> Vec<u8> {
    [Sha256::digest(data).as_slice(), data].concat()
}

/// The driver's data in a file, where it is what was written.
fn intact(stored: &[u8]) -> Option<&[u8]> {
    let (digest, data) = stored.split_at_checked(Sha256::output_size())?;
    (Sha256::digest(data).as_slice() == digest).then_some(data)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Kernels that any adapter compiles, and one that none does.
    fn specs() -> [KernelSpec; 3] {
        let rows = |ahead| KernelSpec::new("pool_rows", &[]).constant("AHEAD", ahead);
        [rows(1), KernelSpec::new("pool_rows", &["no_such_part"]), rows(2)]
    }

    /// Drivers take what they are given for their own.
    #[test]
    fn a_driver_gets_back_what_it_gave_or_nothing() {
        let data: Vec<u8> = (0..100).collect();
        let whole = sealed(&data);
        assert_eq!(intact(&whole), Some(&data[..]));
        assert_eq!(intact(&sealed(b"")), Some(&b""[..]));
        for at in 0..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 1;
            assert_eq!(intact(&other), None, "byte {at}");
            assert_eq!(intact(&whole[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn what_a_browser_refuses_later_is_no_pipeline() {
        let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
        let ([spec, _, other], pipelines) = (specs(), device.pipelines());
        assert!(pipelines.get(&device, &spec).is_ok() && pipelines.get(&device, &other).is_ok());
        let refused = |for_now| Refused { reason: "by its driver".to_owned(), for_now };
        pipelines.refuse(&spec.name(), &refused(false));
        assert!(pipelines.has(&spec) && pipelines.get(&device, &other).is_ok());
        let told = pipelines.get(&device, &spec).unwrap_err();
        assert!(
            matches!(&told, Error::Shader { kernel, reason } if *kernel == spec.name() && reason == "by its driver")
        );
        pipelines.refuse(&other.name(), &refused(true));
        assert!(!pipelines.has(&other) && pipelines.get(&device, &other).is_ok());
    }

    #[test]
    fn pipelines_are_made_while_work_goes_on() {
        let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
        let (specs, pipelines) = (specs(), device.pipelines());
        let start = Instant::now();
        let ahead = pipelines.ahead(&device, &specs);
        let missing = || specs.iter().any(|spec| !pipelines.has(spec));
        while missing() && start.elapsed() < Duration::from_secs(60) {
            std::thread::yield_now();
        }
        assert!(!missing() && pipelines.len() == 2);
        ahead.finish();
        assert!(pipelines.get(&device, &specs[0]).is_ok() && pipelines.get(&device, &specs[2]).is_ok());
        for _ in 0..2 {
            let error = pipelines.get(&device, &specs[1]).unwrap_err().to_string();
            assert!(error.ends_with(": there is no part parts/no_such_part"), "{error}");
        }
        assert!(pipelines.prepare(&device, &specs).is_err());
    }
}
