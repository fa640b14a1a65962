//! Arrays of NumPy as frames, and back.

use std::ffi::CStr;

use mprnet::Result;
use mprnet::image::{Channels, Frame, Pixels, Samples};
use pyo3::buffer::{Element, ElementType, PyBuffer, PyUntypedBuffer};
use pyo3::prelude::*;

use crate::errors::{bad_input, detached};

/// Samples of an array, packed.
pub enum Packed {
    U8(Vec<u8>),
    U16(Vec<u16>),
    F32(Vec<f32>),
}

/// A copy of an array, and how it lies.
pub struct Taken {
    samples: Packed,
    pixels: Pixels,
}

fn element(format: &CStr) -> Option<usize> {
    match ElementType::from_format(format) {
        ElementType::UnsignedInteger { bytes } if bytes <= 2 => Some(bytes),
        ElementType::Float { bytes: 4 } => Some(4),
        _ => None,
    }
}

impl Taken {
    /// Copies an array of height x width x channels, or of height x width for grey.
    ///
    /// # Errors
    /// `BadInput` where it has another shape or type.
    pub fn of(array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (py, buffer) = (array.py(), PyUntypedBuffer::get(array)?);
        // A single number has no shape to ask for.
        let pixels = pixels(if buffer.dimensions() == 0 { &[] } else { buffer.shape() })?;
        let samples = match element(buffer.format()) {
            Some(1) => Packed::U8(buffer.as_typed()?.to_vec(py)?),
            Some(2) => Packed::U16(buffer.as_typed()?.to_vec(py)?),
            Some(4) => Packed::F32(buffer.as_typed()?.to_vec(py)?),
            _ => {
                let format = buffer.format().to_string_lossy();
                return Err(bad_input(format!("samples of the type {format:?} are not taken")));
            }
        };
        Ok(Self { samples, pixels })
    }

    /// The frame.
    ///
    /// # Errors
    /// [`mprnet::Error::FrameShape`] where there is no pixel.
    pub fn frame(&self) -> Result<Frame> {
        match &self.samples {
            Packed::U8(samples) => Frame::from_slice(samples, &self.pixels),
            Packed::U16(samples) => Frame::from_slice(samples, &self.pixels),
            Packed::F32(samples) => Frame::from_slice(samples, &self.pixels),
        }
    }

    /// The samples of a frame of this size, as they lay here.
    ///
    /// # Errors
    /// [`mprnet::Error::FrameShape`] where it has another size.
    pub fn packed(&self, frame: &Frame) -> Result<Packed> {
        let mut packed = match frame.samples() {
            Samples::U8(_) => Packed::U8(vec![0; self.count()]),
            Samples::U16(_) => Packed::U16(vec![0; self.count()]),
            Samples::F32(_) => Packed::F32(vec![0.0; self.count()]),
        };
        match &mut packed {
            Packed::U8(samples) => frame.write_to_slice(samples, &self.pixels),
            Packed::U16(samples) => frame.write_to_slice(samples, &self.pixels),
            Packed::F32(samples) => frame.write_to_slice(samples, &self.pixels),
        }?;
        Ok(packed)
    }

    fn count(&self) -> usize {
        self.pixels.row_stride * self.pixels.height as usize
    }
}

impl Packed {
    /// Copies the samples into an array of as many of this type.
    ///
    /// # Errors
    /// `BufferError` where it is another.
    pub fn give(&self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        fn give<T: Element>(samples: &[T], array: &Bound<'_, PyAny>) -> PyResult<()> {
            PyBuffer::<T>::get(array)?.copy_from_slice(array.py(), samples)
        }
        match self {
            Self::U8(samples) => give(samples, array),
            Self::U16(samples) => give(samples, array),
            Self::F32(samples) => give(samples, array),
        }
    }
}

/// A frame of an array.
///
/// # Errors
/// As [`Taken::of`] and [`Taken::frame`].
pub fn frame(array: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let taken = Taken::of(array)?;
    detached(array.py(), || taken.frame())
}

fn pixels(shape: &[usize]) -> PyResult<Pixels> {
    let (height, width, channels) = match *shape {
        [height, width] => (height, width, 1),
        [height, width, channels] => (height, width, channels),
        _ => {
            return Err(bad_input(format!(
                "an array of the shape {shape:?} is no photo; height x width x 3 is expected, or 4 with transparency, \
                 or 1 or none for grey, or 2 for grey with transparency"
            )));
        }
    };
    let channels = match channels {
        1 => Channels::Grey,
        2 => Channels::GreyAlpha,
        3 => Channels::Rgb,
        4 => Channels::Rgba,
        _ if height <= 4 => {
            return Err(bad_input(format!(
                "an array of the shape {shape:?} has its channels first; move them behind height and width: \
                 numpy.moveaxis(array, 0, -1)"
            )));
        }
        _ => {
            return Err(bad_input(format!(
                "an array of the shape {shape:?} has {channels} channels, and 1, 2, 3 or 4 are expected"
            )));
        }
    };
    let side = |pixels: usize| {
        u32::try_from(pixels).map_err(|_| bad_input(format!("a side of {pixels} pixels is too long")))
    };
    Ok(Pixels::packed(side(width)?, side(height)?, channels))
}
