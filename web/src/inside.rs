//! What a network makes of a photo on the way to the result.

use js_sys::{Float32Array, Function, Uint8ClampedArray};
use mprnet::image::Frame;
use mprnet::{Captured, Restored, Values};
use wasm_bindgen::prelude::*;

use super::errors::{Result, named, thrown};
use super::{Session, Stop};

/// The attention maps of the supervised attention modules after stage 1 and stage 2, before their sigmoid.
const MAPS: [&str; 2] = ["sam12.conv3", "sam23.conv3"];

/// The stages' images and the attention maps of a photo.
#[wasm_bindgen]
pub struct Insides {
    /// Four bytes a pixel.
    stages: [Vec<u8>; 3],
    maps: [Map; 2],
}

/// How much an attention module lets through of each place: the mean over all channels.
struct Map {
    /// Columns, rows, channels.
    shape: [u32; 3],
    values: Vec<f32>,
}

impl Map {
    /// Of a tensor, without what is padded of a photo that has so many columns and rows in it.
    fn of(tensor: &Captured, width: u32, height: u32) -> Result<Self> {
        let Values::Planar(planes) = &tensor.values else {
            return Err(named("Failed", &format!("{} holds no features", tensor.name)));
        };
        let (across, plane) = (tensor.desc.width as usize, (tensor.desc.width * tensor.desc.height) as usize);
        let sigmoid = |value: f32| 1.0 / (1.0 + (-value).exp());
        let share = |at: usize| {
            let sum: f32 = planes.iter().skip(at).step_by(plane).copied().map(sigmoid).sum();
            sum / tensor.desc.channels as f32
        };
        let rows = 0..height as usize;
        let values = rows.flat_map(|y| (0..width as usize).map(move |x| y * across + x)).map(share).collect();
        Ok(Self { shape: [width, height, tensor.desc.channels], values })
    }
}

#[wasm_bindgen]
impl Insides {
    /// The image of stage 0, 1 or 2, the last of which is the result.
    #[must_use]
    pub fn stage(&self, index: usize) -> Uint8ClampedArray {
        Uint8ClampedArray::from(self.stages.get(index).map_or(&[][..], Vec::as_slice))
    }

    /// The attention map 0 or 1, row by row.
    #[must_use]
    pub fn map(&self, index: usize) -> Float32Array {
        Float32Array::from(self.maps.get(index).map_or(&[][..], |map| &map.values))
    }

    /// Columns, rows and channels of the attention map 0 or 1.
    #[must_use]
    pub fn map_shape(&self, index: usize) -> Vec<u32> {
        self.maps.get(index).map_or_else(Vec::new, |map| map.shape.to_vec())
    }
}

#[wasm_bindgen]
impl Session {
    /// Restores a photo as [`Session::restore`] does, and gives what is made of it on the way.
    ///
    /// # Errors
    /// As [`Session::restore`]; where tiles are asked for and the photo is larger than one.
    pub async fn inside(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        progress: Function,
        stop: &Stop,
    ) -> Result<Insides> {
        let photo = super::frame(&rgba, width, height)?;
        let names = MAPS.map(str::to_owned);
        let tell = super::teller(&progress);
        let restoration = self.restorer.photo(&photo).keep_stages().keep(&names);
        let restored = restoration.progress(tell).cancelled_by(&stop.0).run_async().await.map_err(thrown)?;
        let Restored { frame, stages, tensors, .. } = restored;
        let ([first, second], [first_map, second_map]) = (&stages[..], &tensors[..]) else {
            return Err(named("Failed", "the network gives not all that it was asked for"));
        };
        let shuffle = self.weights.config().shuffle;
        let map = |tensor| Map::of(tensor, width.div_ceil(shuffle), height.div_ceil(shuffle));
        let bytes = |image: &Frame| super::written(image, rgba.clone(), width, height);
        Ok(Insides {
            stages: [bytes(first)?, bytes(second)?, bytes(&frame)?],
            maps: [map(first_map)?, map(second_map)?],
        })
    }
}
