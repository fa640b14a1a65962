//! Settings with which what failed may succeed.

use crate::Error;

/// A setting with which what failed may succeed, in addition to what the error itself advises. The library has them,
/// and each program that uses it calls them by names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Take what there is of a damaged photo: [`ReadOptions::keep_damaged`](crate::image::ReadOptions::keep_damaged).
    KeepDamaged,
    /// Compute in [`Precision::F16`](crate::plan::Precision::F16), which takes half of the memory.
    HalfPrecision,
    /// Compute in [`Precision::F32`](crate::plan::Precision::F32).
    FullPrecision,
    /// Allow more of the device's memory.
    MoreMemory,
    /// Say which format an output has: [`WriteOptions::format`](crate::image::WriteOptions::format).
    SayFormat,
    /// Say what becomes of outputs that are there already: [`Existing`](crate::job::Existing).
    SayExisting,
    /// Take the directories below, too: [`ListOptions::recursive`](crate::image::ListOptions::recursive).
    DirectoriesBelow,
    /// Take a name that the graph has: [`Graph::names`](crate::graph::Graph::names).
    KnownTensor,
}

impl Error {
    /// The setting with which it may succeed, if there is one.
    #[must_use]
    pub fn remedy(&self) -> Option<Remedy> {
        match self {
            Self::ImageCutShort { salvageable, .. } | Self::ImageDamaged { salvageable, .. } => {
                salvageable.then_some(Remedy::KeepDamaged)
            }
            Self::TensorTooLarge { .. } | Self::OutOfMemory { .. } => Some(Remedy::HalfPrecision),
            Self::PrecisionTooLow { .. } => Some(Remedy::FullPrecision),
            Self::BudgetTooSmall { .. } => Some(Remedy::MoreMemory),
            Self::Jobs { remedy, .. } | Self::ImageFolder { remedy, .. } => *remedy,
            Self::UnknownTensor { .. } => Some(Remedy::KnownTensor),
            Self::Unrestored { source, .. } | Self::Unscored { source, .. } => source.remedy(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_have_the_remedy_of_what_happened_to_them() {
        let of = |source| Error::Unrestored { path: "a.png".into(), source: Box::new(source) }.remedy();
        assert_eq!(of(Error::BudgetTooSmall { budget: 1, least: 2 }), Some(Remedy::MoreMemory));
        let damaged =
            |salvageable| Error::ImageDamaged { path: "a.png".into(), reason: String::new(), salvageable };
        assert_eq!(of(damaged(true)), Some(Remedy::KeepDamaged));
        assert_eq!(of(damaged(false)), None);
        assert_eq!(of(Error::Cancelled), None);
    }
}
