//! How large features become: measured on photos, kept in a model's metadata, and turned into the powers of two that
//! f16 needs.

use std::collections::BTreeMap;

use super::Weights;
use crate::graph::{Graph, Groups, TensorId, rescale};
use crate::{Error, Result};

/// The metadata's key: a JSON object of tensor names and magnitudes.
pub(super) const PEAKS: &str = "mprnet.feature_peaks";

/// Peaks in between stay where they are: up to a 32nd of f16's range of 65,504, since other photos may have larger
/// ones; from where a value a hundredth of the peak is still twice f16's smallest normal number, 2^-14. Weights that
/// were trained in f16 then stay what they are to the bit.
const STAYS: std::ops::RangeInclusive<f32> = 0.015_625..=2048.0;

/// The power of two that a peak beyond is moved to, in the middle of f16's range by magnitude; consecutive layers whose
/// peaks are alike have weights of order one.
const MOVED_TO: i32 = 2;

/// The largest magnitude of the features of each group that can be scaled as one ([`Groups`]), under the name of the
/// group's first tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeaturePeaks(BTreeMap<String, f32>);

impl FeaturePeaks {
    /// Takes note of a magnitude.
    pub fn note(&mut self, name: &str, magnitude: f32) {
        let known = self.0.entry(name.to_owned()).or_default();
        *known = known.max(magnitude);
    }

    /// Takes note of everything that another photo has shown.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(name, &magnitude)| self.note(name, magnitude));
    }

    /// Names and magnitudes, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f32)> {
        self.0.iter().map(|(name, &magnitude)| (name.as_str(), magnitude))
    }

    /// The largest of all and its name; none of no peaks.
    #[must_use]
    pub fn largest(&self) -> Option<(&str, f32)> {
        self.iter().max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Peaks that are to be moved, and the exponents of the powers of two that do it.
    pub fn moves(&self) -> impl Iterator<Item = (&str, i32)> {
        self.iter().map(|(name, peak)| (name, exponent(peak))).filter(|(_, exponent)| *exponent != 0)
    }

    /// Moves the graph's features into f16's range: the graph's results stay the same to the bit, and each tensor is
    /// computed times two to the power of the exponent that is given for its id. Names that the graph does not have
    /// are passed over.
    #[must_use]
    pub fn fit(&self, graph: &mut Graph) -> Vec<i32> {
        let mut known: Vec<(TensorId, f32)> =
            self.iter().filter_map(|(name, peak)| Some((graph.find(name)?, peak))).collect();
        // Where passes leave several groups in one, the largest peak is the one to be noted last.
        known.sort_by(|a, b| a.1.total_cmp(&b.1));
        let measured: Vec<(TensorId, i32)> = known.into_iter().map(|(t, peak)| (t, exponent(peak))).collect();
        let exponents = Groups::of(graph).exponents(graph, &measured);
        rescale(graph, &exponents);
        exponents
    }

    /// The text of the metadata: three digits of each magnitude, which is more than powers of two need.
    pub(super) fn to_json(&self) -> String {
        let short = |magnitude: f32| format!("{magnitude:.2e}").parse().unwrap_or(magnitude);
        let rounded: BTreeMap<&str, f32> = self.iter().map(|(name, peak)| (name, short(peak))).collect();
        serde_json::to_string(&rounded).unwrap_or_default()
    }

    fn from_json(text: &str) -> std::result::Result<Self, String> {
        let peaks: BTreeMap<String, f32> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        match peaks.iter().find(|(_, peak)| !peak.is_finite() || **peak < 0.0) {
            Some((_, peak)) => Err(format!("{peak} is no magnitude")),
            None if peaks.is_empty() => Err("it is empty".to_owned()),
            None => Ok(Self(peaks)),
        }
    }
}

/// The exponent of the power of two that moves a peak into the middle of f16's range, 0 where it stays.
fn exponent(peak: f32) -> i32 {
    if peak == 0.0 || STAYS.contains(&peak) { 0 } else { MOVED_TO - f64::from(peak).log2().floor() as i32 }
}

impl Weights {
    /// What calibration has measured, as the metadata have it; none of a model that was never calibrated.
    ///
    /// # Errors
    /// [`Error::Values`] where the metadata's text is none that a calibration writes.
    pub fn feature_peaks(&self) -> Result<Option<FeaturePeaks>> {
        let unfit = |why: String| {
            let why: String = why.chars().filter(|c| !c.is_control()).take(100).collect();
            let reason =
                format!("in the metadata is no JSON object of names and magnitudes ({why}); calibrate again");
            Error::Values { key: PEAKS.to_owned(), reason }
        };
        self.metadata().get(PEAKS).map(|text| FeaturePeaks::from_json(text).map_err(unfit)).transpose()
    }

    /// The same, with what was measured in place of what its metadata had, as [`Self::to_safetensors`] would write it.
    #[must_use]
    pub fn with_feature_peaks(mut self, peaks: &FeaturePeaks) -> Self {
        self.set_metadata(PEAKS, &peaks.to_json());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_moved_only_where_f16_needs_it() {
        for (peak, expected) in [
            (0.0, 0),
            (1.0, 0),
            (0.015_625, 0),
            (2048.0, 0),
            (0.0156, 9),
            (2049.0, -9),
            (65_504.0, -13),
            (1e-30, 102),
            (f32::MAX, -125),
        ] {
            assert_eq!(exponent(peak), expected, "{peak}");
            let moved = f64::from(peak) * f64::from(expected).exp2();
            assert!(expected == 0 || (4.0..8.0).contains(&moved), "{peak} becomes {moved}");
        }
    }

    #[test]
    fn metadata_round_trip() {
        let mut peaks = FeaturePeaks::default();
        for (name, peak) in [("a", 1.234_56), ("b", 65_504.0), ("a", 0.5), ("c", 0.0), ("d", 4.567e-9)] {
            peaks.note(name, peak);
        }
        assert_eq!(peaks.to_json(), r#"{"a":1.23,"b":65500.0,"c":0.0,"d":4.57e-9}"#);
        let read = FeaturePeaks::from_json(&peaks.to_json()).unwrap();
        assert_eq!(read.to_json(), peaks.to_json());
        assert_eq!(read.largest(), Some(("b", 65_500.0)));
        let weights = Weights::embedded(crate::model::Task::Denoise).unwrap().with_feature_peaks(&peaks);
        assert_eq!(weights.feature_peaks().unwrap(), Some(read.clone()));
        assert_eq!(read.moves().collect::<Vec<_>>(), [("b", -13), ("d", 30)]);
    }

    #[test]
    fn what_no_calibration_writes() {
        for text in ["", "{}", "[]", "1", r#"{"a":-1}"#, r#"{"a":"1"}"#, r#"{"a":1e99}"#, r#"{"a":null}"#] {
            assert!(FeaturePeaks::from_json(text).is_err(), "{text}");
        }
    }
}
