//! mprnet for Python: types of Python in, calls of the library, types of Python out. What users see of it is in
//! `package/mprnet`.

#![allow(missing_docs, reason = "Python has the documentation: package/mprnet/_native.pyi")]

mod arrays;
mod engine;
mod errors;
mod fork;
mod scores;
mod waiting;

use std::path::PathBuf;

use mprnet::conformance::AdapterReport;
use mprnet::image::FileFormat;
use mprnet::inspect::ModelReport;
use mprnet::model::{Export, Task};
use mprnet::plan::Precision;
use mprnet::{gpu, job, output};
use pyo3::prelude::*;
use serde::Serialize;

use errors::{bad_input, detached, whole};

#[pymodule]
mod _native {
    use pyo3::prelude::*;
    use pyo3_log::{Caching, Logger};
    use tracing::log::LevelFilter;

    #[pymodule_export]
    use super::engine::{Cancel, Engine, Photo};
    #[pymodule_export]
    use super::scores::{psnr, ssim};
    #[pymodule_export]
    use super::{convert, devices, inspect, is_photo, run, wanted_variable, write};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        // The library's own words alone: those of wgpu are for its developers.
        // Levels are asked for each time, since a program may set them late; there are few messages of Info and above.
        let logger = Logger::new(module.py(), Caching::Loggers)?
            .filter(LevelFilter::Off)
            .filter_target("mprnet".to_owned(), LevelFilter::Info);
        // A second interpreter of the process finds it installed.
        let _ = logger.install();
        Ok(())
    }
}

/// The task of that name.
fn task(name: &str) -> PyResult<Task> {
    Task::named(name)
        .ok_or_else(|| bad_input(format!("there is no task {name:?}; derain, denoise or deblur is expected")))
}

fn json(report: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(report).map_err(|error| bad_input(error.to_string()))
}

#[pyfunction]
fn devices(py: Python<'_>) -> PyResult<String> {
    let found = detached(py, || {
        fork::note()?;
        Ok(gpu::adapters())
    })?;
    json(&found.iter().map(AdapterReport::from).collect::<Vec<_>>())
}

#[pyfunction]
fn inspect(
    py: Python<'_>,
    model: PathBuf,
    width: &Bound<'_, PyAny>,
    height: &Bound<'_, PyAny>,
) -> PyResult<String> {
    let size = (whole("width", width)?, whole("height", height)?);
    json(&detached(py, || ModelReport::of(&model, size))?)
}

#[pyfunction]
fn convert(
    py: Python<'_>,
    input: PathBuf,
    output: PathBuf,
    f16: bool,
    task: Option<String>,
    license: Option<String>,
    title: Option<String>,
) -> PyResult<()> {
    let export = Export {
        precision: if f16 { Precision::F16 } else { Precision::F32 },
        task: task.as_deref().map(self::task).transpose()?,
        license,
        title,
        ..Export::default()
    };
    detached(py, || job::convert(&input, &output, export).map(drop))
}

#[pyfunction]
fn run(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> u8 {
    py.detach(|| mprnet::cli::run_alone(arguments))
}

/// Whether a file has the name of an image that is read.
#[pyfunction]
fn is_photo(name: PathBuf) -> bool {
    FileFormat::from_path(&name).is_some()
}

/// Writes a file: whole, or not at all.
#[pyfunction]
fn write(py: Python<'_>, path: PathBuf, content: &[u8]) -> PyResult<()> {
    detached(py, || output::write(&path, content))
}

#[pyfunction]
fn wanted_variable() -> Option<(&'static str, &'static str)> {
    mprnet::cli::wanted_variable()
}
