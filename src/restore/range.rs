//! The range of f16: how large features become, and f32 where that is too large.

use std::sync::atomic::Ordering;

use super::calibration::{CalibrationPhoto, measure};
use super::sized::{Key, Model};
use super::{Captured, Restorer};
use crate::engine::{Cancel, Progress, Watch, WeightStore};
use crate::image::Frame;
use crate::plan::Precision;
use crate::shown::at_least;
use crate::{Error, Result};

/// A side, in pixels, of the part of the first photo that features are measured on where a model was not calibrated:
/// few enough that whoever waits for the photo hardly notices.
const MEASURED_SIDE: u32 = 128;

impl Restorer {
    /// Does the work in the precision asked for, and in f32 where f16 turns out to be too narrow for it.
    pub(super) async fn in_range<P: FnMut(Progress) + ?Sized>(
        &self,
        photo: &Frame,
        names: &[String],
        watch: &mut Watch<'_, P>,
    ) -> Result<(Frame, Vec<Captured>)> {
        let single = Key { precision: Precision::F32, ..self.model.key(photo) };
        match self.know_peaks(Some(photo), watch.cancel).await {
            Err(Error::NotFinite(_)) => return Err(self.overflowing(single, photo, watch.cancel).await),
            known => {
                known?;
            }
        }
        let key = self.model.key(photo);
        let error = match self.in_turn(key, photo, names, watch).await {
            Err(error) if key.precision == Precision::F16 => error,
            done => return done,
        };
        self.widen(error)?;
        self.in_turn(single, photo, names, watch).await
    }

    /// Whether f32 helps against an error in f16; the error, where it does not.
    pub(super) fn widen(&self, error: Error) -> Result<()> {
        match error {
            Error::PrecisionTooLow { what } => {
                tracing::warn!(
                    "{what} holds values past f16's range wherever they are moved; f32 is used instead"
                );
                self.model.too_large.store(true, Ordering::Relaxed);
            }
            Error::NotFinite(_) => {
                tracing::warn!(
                    "the network's numbers pass f16's range with this photo; it is restored in f32"
                );
                self.model.widened.store(true, Ordering::Relaxed);
            }
            other => return Err(other),
        }
        Ok(())
    }

    /// Finds out how large features become, where f16 is asked for: from the metadata, or on the middle of this photo,
    /// if there is one. Gives whether that is known, or need not be: it is f32 where memory lacks for measuring.
    pub(super) async fn know_peaks(&self, photo: Option<&Frame>, cancel: &Cancel) -> Result<bool> {
        let Model { device, weights, peaks, options, .. } = &self.model;
        let known = || self.precision() != Precision::F16 || peaks.get().is_some();
        if known() {
            return Ok(true);
        }
        // Whoever comes at the same time waits for what is found out here.
        let mut turn = cancel.unless(self.cache.lock()).await?;
        if known() {
            return Ok(true);
        }
        let told = weights.feature_peaks().unwrap_or_else(|error| {
            tracing::warn!("{error}; until then features are measured on the first photo");
            None
        });
        let found = if let Some(told) = told {
            told
        } else {
            let Some(photo) = photo else { return Ok(false) };
            let middle = CalibrationPhoto::of(photo, weights, MEASURED_SIDE)?;
            // Its weights are packed in f32, and not needed again.
            let store = WeightStore::default();
            let measured = match measure(device, &store, weights, &middle, options.max_memory).await {
                Err(Error::OutOfMemory { .. }) if turn.let_go() => {
                    measure(device, &store, weights, &middle, options.max_memory).await
                }
                measured => measured,
            };
            if let Err(Error::OutOfMemory { bytes, .. } | Error::BudgetTooSmall { least: bytes, .. }) =
                measured
            {
                tracing::warn!(
                    "measuring features for f16 takes {} of the device, more than there is for it; f32 is used instead",
                    at_least(bytes)
                );
                self.model.too_large.store(true, Ordering::Relaxed);
                return Ok(true);
            }
            let measured = measured?;
            tracing::info!(largest = measured.largest().map(|(_, peak)| peak), "measured features for f16");
            measured
        };
        peaks.get_or_init(|| found);
        Ok(true)
    }
}
