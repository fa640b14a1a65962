//! What a network removes.

use std::fmt;

use super::ModelConfig;

/// The three tasks of the paper (Zamir et al. 2021, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Task {
    /// Rain streaks and their veil.
    Derain,
    /// Noise.
    Denoise,
    /// Motion blur.
    Deblur,
}

impl Task {
    /// All of them, in the order in which the paper has them.
    pub const ALL: [Self; 3] = [Self::Derain, Self::Deblur, Self::Denoise];

    /// The task of that name: `derain`, `denoise` or `deblur`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Derain => "derain",
            Self::Denoise => "denoise",
            Self::Deblur => "deblur",
        }
    }

    /// The configuration that the paper's authors published weights of.
    #[must_use]
    pub fn published_config(self) -> ModelConfig {
        match self {
            Self::Derain => ModelConfig::DERAIN,
            Self::Denoise => ModelConfig::DENOISE,
            Self::Deblur => ModelConfig::DEBLUR,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
