//! A restorer that is opened by the process that first needs it.

use std::borrow::Cow;
use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use mprnet::image::{self, Frame, ReadOptions, WriteOptions};
use mprnet::model::{self, Mode, ModeParts, Stage, Weights};
use mprnet::output::cache_folder;
use mprnet::plan::{Precision, parse_bytes};
use mprnet::tune::Tuning;
use mprnet::{Restorer, RestorerOptions, gpu};
use pyo3::prelude::*;

use crate::arrays::Taken;
use crate::errors::{bad_input, detached, exception, given, whole};
use crate::{fork, task, waiting};

/// Ends restorations early, from any thread.
#[pyclass(frozen)]
#[derive(Default)]
pub struct Cancel(mprnet::Cancel);

#[pymethods]
impl Cancel {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn cancel(&self) {
        self.0.cancel();
    }
}

/// A copy of an array's samples, which the array's owner cannot change any more.
#[pyclass(frozen)]
pub struct Photo(Taken);

#[pymethods]
impl Photo {
    #[new]
    fn new(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        Taken::of(array).map(Self)
    }
}

/// A restorer, and the process that has opened it.
struct Opened {
    by: u32,
    restorer: Arc<Restorer>,
}

impl Opened {
    /// Lets the device go, which waits for its threads.
    fn let_go(self) {
        if self.by != process::id() {
            // In a forked process there are no such threads to wait for.
            std::mem::forget(self);
        }
    }
}

/// What `mprnet.Restorer` is made of.
#[pyclass(frozen)]
pub struct Engine {
    weights: Weights,
    options: RestorerOptions,
    device: Option<String>,
    opened: Mutex<Option<Opened>>,
}

impl Engine {
    /// The restorer; opened as the program opens it.
    fn restorer(&self) -> mprnet::Result<Arc<Restorer>> {
        // Before the lock, which another thread may have held when this process was forked.
        fork::note()?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = opened.as_ref().filter(|opened| opened.restorer.device().lost().is_none()) {
            return Ok(Arc::clone(&opened.restorer));
        }
        // What is lost stays so. It is let go of before another is opened, since a GPU may not have room for both.
        *opened = None;
        let (device, pipeline_folder) = (self.device.clone(), cache_folder());
        let device = gpu::DeviceOptions { device, pipeline_folder, ..Default::default() };
        let device = gpu::Device::new(&device)?;
        let options = RestorerOptions { tuning: Tuning::for_adapter(device.adapter()), ..self.options };
        let restorer = Arc::new(Restorer::new(self.weights.clone(), device, options));
        *opened = Some(Opened { by: process::id(), restorer: Arc::clone(&restorer) });
        Ok(restorer)
    }

    /// Restores a frame, and hears Ctrl-C.
    fn run(&self, py: Python<'_>, frame: &Frame, cancel: &Cancel) -> PyResult<Frame> {
        let restorer = detached(py, || self.restorer())?;
        // Moved there, since a lost device may end with it, whose threads may have a word for Python's logging before.
        waiting::wait(py, &cancel.0, move || restorer.photo(frame).cancelled_by(&cancel.0).restore())
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "Python calls it by names")]
    fn new(
        py: Python<'_>,
        task: Option<&Bound<'_, PyAny>>,
        model: Option<&Bound<'_, PyAny>>,
        device: Option<String>,
        precision: &Bound<'_, PyAny>,
        stage: &Bound<'_, PyAny>,
        strength: &Bound<'_, PyAny>,
        mode: &Bound<'_, PyAny>,
        train_size: Option<&Bound<'_, PyAny>>,
        tile: Option<&Bound<'_, PyAny>>,
        overlap: Option<&Bound<'_, PyAny>>,
        max_memory: Option<&str>,
    ) -> PyResult<Self> {
        let precision = given::<String>("precision", "\"f32\", \"f16\" or \"exact\"", precision)?;
        let precision = Precision::named(&precision).ok_or_else(|| {
            bad_input(format!("precision is {precision:?}, and \"f32\", \"f16\" or \"exact\" is expected"))
        })?;
        let stage = match whole("stage", stage)? {
            1 => Stage::One,
            2 => Stage::Two,
            3 => Stage::Three,
            stage => return Err(bad_input(format!("there is no stage {stage}; 1, 2 or 3 is expected"))),
        };
        let strength: f32 = given("strength", "a number from 0 to 1", strength)?;
        if !(0.0..=1.0).contains(&strength) {
            return Err(bad_input(format!("a strength of {strength} is not from 0 to 1")));
        }
        let pixels = |name, given: Option<_>| given.map(|given| whole(name, given)).transpose();
        let parts = ModeParts {
            train_size: pixels("train_size", train_size)?,
            tile: pixels("tile", tile)?,
            overlap: pixels("overlap", overlap)?,
        };
        let mode: String = given("mode", "\"global\", \"local\" or \"tiled\"", mode)?;
        let mode = Mode::named(&mode, parts).map_err(|error| exception(&error))?;
        let amount = |text: &str| {
            parse_bytes(text).map_err(|told| bad_input(format!("max_memory is {text:?}, and {told}")))
        };
        let max_memory = max_memory.map(amount).transpose()?;
        let task = task.map(|task| given::<String>("task", "the name of one", task)).transpose()?;
        let task = task.as_deref().map(self::task).transpose()?;
        let model = model.map(|model| given::<PathBuf>("model", "the path of a file", model)).transpose()?;
        let weights = detached(py, || {
            let weights = match (model, task) {
                (Some(model), _) => Weights::from_checkpoint(&model::open(&model)?),
                (None, task) => Weights::embedded(task.unwrap_or(model::Task::Denoise)),
            }?;
            weights.accepts(mode)?;
            Ok(weights)
        })?;
        if let Some(notice) = weights.provenance().notice() {
            tracing::warn!("{notice}");
        }
        let options =
            RestorerOptions { precision, stage, strength, mode, max_memory, ..RestorerOptions::default() };
        Ok(Self { weights, options, device, opened: Mutex::default() })
    }

    /// Restores one array into another of its shape and type.
    fn restore(&self, photo: &Photo, restored: &Bound<'_, PyAny>, cancel: &Cancel) -> PyResult<()> {
        let (py, taken) = (restored.py(), &photo.0);
        let frame = detached(py, || taken.frame())?;
        let frame = self.run(py, &frame, cancel)?;
        detached(py, || taken.packed(&frame))?.give(restored)
    }

    /// Restores an image file's bytes, and gives those of a file of the format that `name` ends in.
    fn restore_file(
        &self,
        py: Python<'_>,
        file: &[u8],
        name: PathBuf,
        cancel: &Cancel,
    ) -> PyResult<Cow<'static, [u8]>> {
        let write = WriteOptions::default();
        let frame = detached(py, || {
            let frame = image::from_bytes(file, &name, &ReadOptions::default())?;
            image::check_frame(&frame, &name, &write)?;
            Ok(frame)
        })?;
        let frame = self.run(py, &frame, cancel)?;
        detached(py, || image::to_bytes(&frame, &name, &write)).map(Cow::Owned)
    }

    /// Lets the device go, which the next photo opens anew.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(opened) = opened {
                opened.let_go();
            }
        });
    }

    /// The name of the adapter, which is opened for it.
    fn adapter(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || Ok(self.restorer()?.device().adapter().name.clone()))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let opened = self.opened.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(opened) = opened {
            // Threads of the device end with it, and may have a word for Python's logging before.
            Python::attach(|py| py.detach(|| opened.let_go()));
        }
    }
}
