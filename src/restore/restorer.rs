//! The library's front: photos in, photos out.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use web_time::Instant;

use super::cache::Cache;
use super::calibration::OVERFLOW;
use super::sized::{Key, Model, Seen};
use super::turn::Turn;
use super::{Restoration, Restored, RestorerOptions};
use crate::engine::{Executor, Progress, Staged, Transfers, Values, Watch};
use crate::gpu::Device;
use crate::graph::TensorDesc;
use crate::image::Frame;
use crate::model::Weights;
use crate::plan::Precision;
use crate::tune::Tuner;
use crate::{Error, Result};

/// A tensor of the network, as it was for one photo.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Captured {
    /// The name it was asked for by.
    pub name: String,
    /// Its shape.
    pub desc: TensorDesc,
    /// Its values.
    pub values: Values,
}

/// Restores photos with one model on one device.
///
/// Compiling for a size takes longer than running, so the last 32 executors are kept, each for a size and a network:
/// as many as 1 GiB of the device's memory holds besides those of the current photo's size, or as
/// [`RestorerOptions::max_memory`] does with them.
///
/// Several threads or tasks may restore photos at the same time. Their work is done one after the other, but for
/// reading pixels and writing them: that goes on while the device computes. [`crate::pool::Pool`] makes use of it.
/// Calls that wait stop their thread, and with it the tasks that it would poll: where a task of this thread has begun a
/// photo, use the `_async` twins. A future that was begun holds its turn: whoever polls it no longer, and does not drop
/// it either, keeps all others waiting.
///
/// ```
/// use mprnet::{Restorer, RestorerOptions, gpu, image::Frame, model::{Task, Weights}};
///
/// # fn main() -> mprnet::Result<()> {
/// let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
/// let restorer = Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default());
/// let noisy = Frame::from_rgb8(24, 16, (0..24 * 16 * 3).map(|i| (i * 37 % 256) as u8).collect())?;
/// let clean = restorer.restore(&noisy)?;
/// assert_eq!((clean.width(), clean.height()), (24, 16));
/// # Ok(())
/// # }
/// ```
///
/// A program that has a device already shares it: `gpu::Device::from_wgpu(device, queue)`. Its textures and buffers are
/// restored where they are: [`Restorer::restore_texture`], [`Restorer::restore_buffer`].
///
/// In f16, features are moved into its range by powers of two, which changes no result. How far, the weights' metadata
/// tell ([`Weights::feature_peaks`]); where they do not, it is measured in f32 on the middle of the first photo. What
/// overflows all the same, and a model that f16 cannot hold, is restored in f32, with a warning through `tracing`.
pub struct Restorer {
    pub(super) model: Model,
    /// What each takes the result of the one before.
    pub(super) followers: Vec<Restorer>,
    /// What moves photos of the sizes that there are executors for.
    transfers: Mutex<Vec<(Key, Weak<Transfers>)>>,
    /// Shared with the followers.
    pub(super) cache: Arc<async_lock::Mutex<Cache>>,
}

/// Its networks, device and options, and not their numbers.
impl fmt::Debug for Restorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Model { device, weights, options, .. } = &self.model;
        let mut shown = f.debug_struct("Restorer");
        shown.field("adapter", &device.adapter().name).field("config", &weights.config());
        shown.field("options", options).field("followers", &self.followers).finish_non_exhaustive()
    }
}

impl Restorer {
    /// A restorer; nothing is compiled until the first photo.
    #[must_use]
    pub fn new(weights: Weights, device: Device, options: RestorerOptions) -> Self {
        let cache = async_lock::Mutex::new(Cache::new(Tuner::new(options.tuning)));
        Self::at(0, weights, device, options, Arc::new(cache))
    }

    fn at(
        place: usize,
        weights: Weights,
        device: Device,
        options: RestorerOptions,
        cache: Arc<async_lock::Mutex<Cache>>,
    ) -> Self {
        let model = Model::new(place, device, weights, options);
        Self { model, followers: Vec::new(), transfers: Mutex::default(), cache }
    }

    /// The same, after which another model restores the result. Between the two it stays in floats, and on the device
    /// where a photo is computed whole, once, without a bound of memory and with nothing kept besides; only what the
    /// last one makes of it is blended with the photo. [`RestorerOptions::symmetries`] are averaged for each. All have
    /// the options of the first: stage, precision and mode are one for the chain.
    #[must_use]
    pub fn followed_by(mut self, weights: Weights) -> Self {
        let Model { device, options, .. } = &self.model;
        let (place, cache) = (1 + self.followers.len(), Arc::clone(&self.cache));
        self.followers.push(Self::at(place, weights, device.clone(), *options, cache));
        self
    }

    /// The device it runs on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.model.device
    }

    /// How features and weights are stored: as asked for, unless f16 has turned out not to hold a model.
    #[must_use]
    pub fn precision(&self) -> Precision {
        let fallen_back =
            self.followers.iter().map(Self::precision).find(|it| *it != self.model.options.precision);
        fallen_back.unwrap_or(self.model.precision())
    }

    /// The widest precision that a photo was restored in so far: f32 also where f16 was too narrow for one of them.
    #[must_use]
    pub fn widest_precision(&self) -> Precision {
        let widened = |restorer: &Self| restorer.model.widened.load(Ordering::Relaxed);
        let any = widened(self) || self.followers.iter().any(widened);
        if any { Precision::F32 } else { self.precision() }
    }

    /// The restoration of a photo, of which more can be said before it is begun: who is told how far it is, who may end
    /// it, and whether this thread waits.
    pub fn photo<'a>(&'a self, photo: &'a Frame) -> Restoration<'a> {
        Restoration::new(self, photo)
    }

    /// Restores a photo of any size, and keeps its depth. The network sees it in the sRGB curve, and where it is
    /// transparent the colours of its visible neighbours; the result has its own light and hidden colours again. Floats
    /// are clamped to 0 to 1, and what is no number to 0; [`crate::video::keep_beyond`] brings brighter ones back.
    ///
    /// # Errors
    /// * Of the options: [`crate::Error::Input`] where [`RestorerOptions::strength`] is not from 0 to 1;
    ///   [`crate::Error::Mode`] where the network and the mode do not go together, and [`crate::Error::Values`] where
    ///   the mode is local and the metadata's `mprnet.train_size` is none.
    /// * Of the photo: [`crate::Error::Input`] where it has more than 2^31 pixels, [`crate::Error::Size`] where a side
    ///   cannot be padded for the network;
    ///   [`crate::Error::NotFinite`] where the network's numbers pass the range of f32.
    /// * Of the device: [`crate::Error::TensorTooLarge`], [`crate::Error::TooManyWorkgroups`],
    ///   [`crate::Error::OutOfMemory`] or [`crate::Error::Gpu`] where it cannot take the photo;
    ///   [`crate::Error::BudgetTooSmall`] where [`RestorerOptions::max_memory`] is too little for it, and
    ///   [`crate::Error::Io`] where the host has no room for its bands, in browsers [`crate::Error::HostMemory`];
    ///   [`crate::Error::Shader`] where a kernel cannot be built.
    pub fn restore(&self, photo: &Frame) -> Result<Frame> {
        self.photo(photo).restore()
    }

    /// As [`Self::restore`], for who waits in a way of its own. Dropping the future ends the restoration;
    /// [`Self::photo`] has more to choose from.
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub async fn restore_async(&self, photo: &Frame) -> Result<Frame> {
        self.photo(photo).restore_async().await
    }

    /// As [`Self::restore`], telling how far it has come: see [`Restoration::progress`].
    ///
    /// # Errors
    /// As [`Self::restore`].
    pub fn restore_with_progress(&self, photo: &Frame, progress: &mut dyn FnMut(Progress)) -> Result<Frame> {
        self.photo(photo).progress(progress).restore()
    }

    /// Restores a photo and gives the named tensors of the network besides, of the last one where several follow one
    /// another. Passes keep them.
    ///
    /// # Errors
    /// [`crate::Error::UnknownTensor`], and [`crate::Error::Input`] of a photo in several tiles; otherwise as
    /// [`Self::restore`].
    pub fn capture(
        &self,
        photo: &Frame,
        names: &[String],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Frame, Vec<Captured>)> {
        let Restored { frame, tensors, .. } = self.photo(photo).progress(progress).keep(names).run()?;
        Ok((frame, tensors))
    }

    /// The photo as it is restored, in one precision.
    pub(super) async fn in_turn<P: FnMut(Progress) + ?Sized>(
        &self,
        key: Key,
        photo: &Frame,
        names: &[String],
        watch: &mut Watch<'_, P>,
    ) -> Result<(Frame, Vec<Captured>)> {
        let (output, captured) = self.computed(key, Seen::Photo(photo), names, watch).await?;
        let start = Instant::now();
        let restored = match finish(photo, output)? {
            Some(restored) => restored,
            // In f32 the photo may be restored yet.
            None if key.precision == Precision::F16 => return Err(Error::NotFinite(OVERFLOW.into())),
            None => return Err(self.overflowing(key, photo, watch.cancel).await),
        };
        watch.spent.download += start.elapsed();
        Ok((restored, captured))
    }

    /// Stages the photo while others are computed, computes it when it is its turn, and reads the result back while the
    /// next one is; where memory is bounded, all of that in its turn.
    pub(super) async fn computed<P: FnMut(Progress) + ?Sized>(
        &self,
        key: Key,
        seen: Seen<'_>,
        names: &[String],
        watch: &mut Watch<'_, P>,
    ) -> Result<(Option<Values>, Vec<Captured>)> {
        let start = Instant::now();
        let bounded = self.model.options.max_memory.is_some();
        let staged = if names.is_empty() && !bounded { self.stage(key, seen).await } else { Ok(None) };
        let staged = match staged {
            // In its turn there may be room.
            Err(Error::OutOfMemory { .. }) => None,
            staged => staged?,
        };
        watch.spent.upload += start.elapsed();
        let cache = watch.cancel.unless(self.cache.lock()).await?;
        let mut turn = Turn::new(cache, &self.model, key, names)?;
        tracing::trace!("a photo's work is begun");
        let computed = turn.compute(seen, staged, watch).await?;
        let executor = turn.executor()?;
        let places = names.iter().map(|name| Place::of(name, executor)).collect::<Vec<_>>();
        if names.is_empty() {
            self.note(key, &executor.transfers);
        }
        let exponents = std::mem::take(&mut turn.exponents);
        let turn = bounded.then_some(turn);
        tracing::trace!("a photo's work is submitted");
        let values = computed.values(&self.model.device, watch).await;
        drop(turn);
        let values = match values {
            Ok(values) => values,
            Err(error) => {
                // An executor that has failed is not kept.
                drop(self.cache.lock().await.take(key));
                return Err(error);
            }
        };
        let captured = names.iter().zip(places).filter_map(|(name, place)| {
            let Place { output, tensor, desc } = place?;
            let values = values[output].clone().halved(exponents[tensor]);
            Some(Captured { name: name.clone(), desc, values })
        });
        let captured = captured.collect();
        tracing::trace!("a photo is read back");
        Ok((values.into_iter().next(), captured))
    }

    /// Writes a photo to staging buffers, where what moves photos of its size is known and few are written already.
    async fn stage(&self, key: Key, seen: Seen<'_>) -> Result<Option<Staged>> {
        let known = self.transfers().iter().find(|(k, _)| *k == key).and_then(|(_, known)| known.upgrade());
        let Some(permit) = known.and_then(|known| known.ahead()) else { return Ok(None) };
        // What a browser tells of it later is not about the photo whose turn it is.
        let device = self.model.device.clone().apart();
        let staged = permit.stage(&device, seen.inputs()?)?;
        device.settle().await?;
        Ok(Some(staged))
    }

    fn note(&self, key: Key, transfers: &Arc<Transfers>) {
        let mut known = self.transfers();
        known.retain(|(k, transfers)| *k != key && transfers.strong_count() > 0);
        known.push((key, Arc::downgrade(transfers)));
    }

    fn transfers(&self) -> MutexGuard<'_, Vec<(Key, Weak<Transfers>)>> {
        self.transfers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a tensor is found among the outputs.
struct Place {
    output: usize,
    tensor: usize,
    desc: TensorDesc,
}

impl Place {
    fn of(name: &str, executor: &Executor) -> Option<Self> {
        let graph = executor.graph();
        let id = graph.find(name)?;
        let output = graph.outputs().iter().position(|&tensor| tensor == id)?;
        Some(Self { output, tensor: id.0, desc: graph.desc(id) })
    }
}

/// The photo with the network's result; none where that is not finite: words that stand for other numbers have no
/// alpha.
fn finish(photo: &Frame, output: Option<Values>) -> Result<Option<Frame>> {
    match output {
        Some(Values::Words(words)) if words.iter().any(|word| word >> 24 == 0) => Ok(None),
        Some(Values::Planar(planes)) if planes.iter().any(|v| !v.is_finite()) => Ok(None),
        Some(Values::Words(words)) => photo.with_words(&words).map(Some),
        Some(Values::Planar(planes)) => photo.with_planar(&planes).map(Some),
        None => Err(Error::Input("the graph has no output".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::super::cache::KEPT;
    use super::super::narrow;
    use super::*;
    use crate::Cancel;

    fn restorer() -> Restorer {
        let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
        Restorer::new(narrow(), device, RestorerOptions::default())
    }

    /// Who waits for another photo to be done need not wait for that to be over.
    #[test]
    fn a_photo_that_waits_for_its_turn_is_cancelled_at_once() {
        let (restorer, cancel) = (restorer(), Cancel::new());
        let photo = Frame::from_rgb8(16, 8, vec![0; 3 * 16 * 8]).unwrap();
        let another = pollster::block_on(restorer.cache.lock());
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting = pin!(restorer.photo(&photo).cancelled_by(&cancel).restore_async());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        cancel.cancel();
        assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Err(Error::Cancelled))));
        drop(another);
    }

    /// Whoever comes third waits with its buffers, too.
    #[test]
    fn few_photos_are_staged_ahead() {
        let restorer = restorer();
        let photo = Frame::from_rgb8(16, 8, vec![0; 3 * 16 * 8]).unwrap();
        // The noop adapter computes nothing, which is told.
        assert!(matches!(restorer.restore(&photo), Err(Error::NotFinite(_))));
        let known = restorer.transfers().first().and_then(|(_, known)| known.upgrade()).unwrap();
        let permits = [(); 3].map(|()| known.ahead());
        assert_eq!(permits.each_ref().map(Option::is_some), [true, true, false]);
        drop(permits);
        let (key, seen) = (restorer.model.key(&photo), Seen::Photo(&photo));
        let staged = [(); 3].map(|()| pollster::block_on(restorer.stage(key, seen)).unwrap());
        assert_eq!(staged.each_ref().map(Option::is_some), [true, true, false]);
    }

    #[test]
    fn the_executors_of_many_sizes_are_not_all_kept() {
        let restorer = restorer();
        let sizes = KEPT as u32 + 9;
        for i in 0..sizes {
            let photo = Frame::from_rgb8(8 * (i + 1), 8, vec![0; 8 * 8 * 3 * (i as usize + 1)]).unwrap();
            // This device computes nothing, and that is told.
            let told = restorer.restore(&photo);
            assert!(matches!(told, Err(Error::NotFinite(_))), "{told:?}");
            let kept = pollster::block_on(restorer.cache.lock()).len();
            assert_eq!(kept, (i as usize + 1).min(KEPT + 1));
            assert_eq!(
                restorer.transfers().iter().filter(|(_, known)| known.strong_count() > 0).count(),
                kept
            );
        }
    }
}
