//! How near one array is to another.

use mprnet::image::Frame;
use mprnet::metrics::{self, Protocol};
use pyo3::prelude::*;

use crate::arrays;
use crate::errors::{bad_input, detached};

type Metric = fn(&Frame, &Frame, Protocol) -> mprnet::Result<f64>;

fn score(
    image: &Bound<'_, PyAny>,
    target: &Bound<'_, PyAny>,
    protocol: &str,
    metric: Metric,
) -> PyResult<f64> {
    let protocol = [Protocol::Rgb, Protocol::Y].into_iter().find(|it| it.name() == protocol);
    let protocol = protocol.ok_or_else(|| bad_input("the protocol is \"rgb\" or \"y\"".to_owned()))?;
    let frames = (arrays::frame(image)?, arrays::frame(target)?);
    detached(image.py(), || metric(&frames.0, &frames.1, protocol))
}

#[pyfunction]
pub fn psnr(image: &Bound<'_, PyAny>, target: &Bound<'_, PyAny>, protocol: &str) -> PyResult<f64> {
    score(image, target, protocol, metrics::psnr)
}

#[pyfunction]
pub fn ssim(image: &Bound<'_, PyAny>, target: &Bound<'_, PyAny>, protocol: &str) -> PyResult<f64> {
    score(image, target, protocol, metrics::ssim)
}
