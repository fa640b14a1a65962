//! Images that stay on the device: those of host programs, and what one network of a chain hands to the next.

use std::sync::atomic::Ordering;

use web_time::Instant;

use super::calibration::OVERFLOW;
use super::relay::Relay;
use super::sized::{Key, Seen};
use super::tiles::Tiles;
use super::{Restorer, RestorerOptions};
use crate::engine::{Cancel, Ends, PixelBuffer, Progress, Spent, Surface, Values, Watch};
use crate::graph::PixelFormat;
use crate::image::Frame;
use crate::model::ImageFormat;
use crate::plan::Precision;
use crate::{Error, Result};

impl Restorer {
    /// Restores a texture into another one, both of the device that the restorer was made with
    /// ([`gpu::Device::from_wgpu`](crate::gpu::Device::from_wgpu)), without a copy to the host. What was submitted to
    /// the queue before is done before; this thread waits for the end. The first mip level counts.
    ///
    /// Both are `Rgba8Unorm`, `Rgba16Float` or `Rgba32Float` of one size, the source with the usage `COPY_SRC` and the
    /// target with `COPY_DST`. Their values are those of files, in the sRGB curve, from 0 to 1; alpha is copied, and
    /// colours are seen as they are, whatever it is. Formats in `Srgb` are refused: make the texture of the format
    /// without, and draw through a view with.
    ///
    /// Mode, precision, strength and stage of [`RestorerOptions`] hold. What takes several runs is refused: symmetries,
    /// [`Self::followed_by`] (restore into a texture of floats and from there with the next restorer), photos in tiles,
    /// and photos in bands, which pass through the host. In f16 with weights whose metadata do not tell how large
    /// features become it is computed in f32, until a photo of the host has been restored.
    ///
    /// Both are of the device itself: wgpu tells one of another device of the same instance, and cannot tell one of
    /// another instance.
    ///
    /// `examples/render_loop.rs` draws, restores and samples frames that way. Gives where the time went. A few bytes
    /// for every eight rows come to the host, which tell whether all numbers were finite.
    ///
    /// # Errors
    /// [`Error::Input`] where textures are refused, or of another device; otherwise as
    /// [`Self::restore`], after which what the target holds is not to be used.
    pub fn restore_texture(&self, source: &wgpu::Texture, target: &wgpu::Texture) -> Result<Spent> {
        pollster::block_on(self.restore_texture_async(source, target))
    }

    /// As [`Self::restore_texture`], for who waits in a way of its own. Dropping the future ends the restoration.
    ///
    /// # Errors
    /// As [`Self::restore_texture`].
    pub async fn restore_texture_async(
        &self,
        source: &wgpu::Texture,
        target: &wgpu::Texture,
    ) -> Result<Spent> {
        self.restore_between(&Ends { from: Surface::Texture(source), to: Surface::Texture(target) }).await
    }

    /// As [`Self::restore_texture`], from a buffer into another one.
    ///
    /// # Errors
    /// As [`Self::restore_texture`]; [`Error::Input`] too where a buffer is too small, or its rows are.
    pub fn restore_buffer(&self, source: &PixelBuffer<'_>, target: &PixelBuffer<'_>) -> Result<Spent> {
        pollster::block_on(self.restore_buffer_async(source, target))
    }

    /// As [`Self::restore_buffer`], for who waits in a way of its own. Dropping the future ends the restoration.
    ///
    /// # Errors
    /// As [`Self::restore_buffer`].
    pub async fn restore_buffer_async(
        &self,
        source: &PixelBuffer<'_>,
        target: &PixelBuffer<'_>,
    ) -> Result<Spent> {
        self.restore_between(&Ends { from: Surface::Buffer(*source), to: Surface::Buffer(*target) }).await
    }

    async fn restore_between(&self, ends: &Ends<'_>) -> Result<Spent> {
        let RestorerOptions { strength, symmetries, mode, .. } = self.model.options;
        if !(0.0..=1.0).contains(&strength) {
            return Err(Error::Input(format!("a strength of {strength} is not from 0 to 1")));
        }
        let format = ends.check(&self.model.device)?;
        let several = if symmetries {
            Some("symmetries are averaged")
        } else if !self.followers.is_empty() {
            Some("several models follow one another")
        } else if Tiles::of(mode, ends.from.size())?.is_some() {
            Some("tiles are put together")
        } else {
            None
        };
        if let Some(why) = several {
            let reason =
                format!("{why} through the host; restore from its memory, or by a restorer without that");
            return Err(Error::Input(reason));
        }
        let (mut nobody, cancel) = (|_| (), Cancel::new());
        let mut watch = Watch::new(&mut nobody, &cancel);
        self.between(ends, ImageFormat::Pixels { format, strength }, &mut watch).await?;
        Ok(watch.spent)
    }

    /// Does the work in the precision asked for, and in f32 where f16 turns out to be too narrow for it.
    async fn between<P: FnMut(Progress) + ?Sized>(
        &self,
        ends: &Ends<'_>,
        format: ImageFormat,
        watch: &mut Watch<'_, P>,
    ) -> Result<()> {
        let key = self.model.key_of(ends.from.size(), format);
        let single = Key { precision: Precision::F32, ..key };
        let key = if self.know_peaks(None, watch.cancel).await? {
            key
        } else {
            // Once, and not for every picture of a loop.
            if !self.model.told.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "how large this model's features become is not known; f32 is used until a photo of the host is restored"
                );
            }
            single
        };
        match self.finite(key, ends, watch).await {
            Err(error) if key.precision == Precision::F16 => self.widen(error)?,
            done => return done,
        }
        self.finite(single, ends, watch).await
    }

    async fn finite<P: FnMut(Progress) + ?Sized>(
        &self,
        key: Key,
        ends: &Ends<'_>,
        watch: &mut Watch<'_, P>,
    ) -> Result<()> {
        match self.computed(key, Seen::OnDevice(ends), &[], watch).await?.0 {
            Some(Values::Planar(sums)) if sums.iter().all(|sum| sum.is_finite()) => Ok(()),
            _ => Err(Error::NotFinite(OVERFLOW.into())),
        }
    }

    /// What a chain of networks makes of an image of floats, which stays on the device between them; none where one of
    /// them needs the host: it computes in bands, or has yet to measure an image.
    pub(super) async fn chained<P: FnMut(Progress) + ?Sized>(
        &self,
        image: &Frame,
        watch: &mut Watch<'_, P>,
    ) -> Result<Option<Frame>> {
        match self.know_peaks(Some(image), watch.cancel).await {
            // Through the host the operator is told.
            Err(Error::NotFinite(_)) => return Ok(None),
            known => known?,
        };
        for follower in &self.followers {
            if !follower.know_peaks(None, watch.cancel).await? {
                return Ok(None);
            }
        }
        if Relay::new(&self.model.device, image).is_too_large() {
            return Ok(None);
        }
        match self.relayed(image, watch).await {
            Ok(frame) => Ok(Some(frame)),
            // Through the host it may be possible, or told better what is not.
            Err(Error::Input(_) | Error::OutOfMemory { .. } | Error::NotFinite(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn relayed<P: FnMut(Progress) + ?Sized>(
        &self,
        image: &Frame,
        watch: &mut Watch<'_, P>,
    ) -> Result<Frame> {
        let relay = Relay::new(&self.model.device, image);
        let start = Instant::now();
        let mut source = relay.uploaded(image)?;
        watch.spent.upload += start.elapsed();
        let networks = || [self].into_iter().chain(&self.followers);
        let (runs, mut kept) = (networks().count() as u64, 0);
        for (done, network) in (0..).zip(networks()) {
            let target = relay.between()?;
            let mut tell = |part: Progress| (watch.progress)(part.of(done, runs));
            let mut part = Watch::new(&mut tell, watch.cancel);
            let ends = Ends { from: relay.surface(&source), to: relay.surface(&target) };
            let format = ImageFormat::Pixels { format: PixelFormat::Float32, strength: 1.0 };
            network.between(&ends, format, &mut part).await?;
            kept += part.spent.device_bytes;
            watch.spent.add(Spent { device_bytes: kept + 2 * relay.bytes(), ..part.spent });
            source = target;
        }
        let frame = relay.downloaded(&source).await?;
        watch.spent.moved_bytes += 2 * relay.bytes();
        Ok(frame)
    }
}
