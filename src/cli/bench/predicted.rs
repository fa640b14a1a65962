//! `--predicted`: what a model said that runs would take, as a column beside what they took.

use std::io;
use std::path::Path;

use crate::Error;
use serde::Deserialize;

use super::report::{Cell, Row};
use crate::cli::mode::ModeArg;
use crate::cli::reading;

/// A larger file is no list of predictions.
const MOST_MIB: u64 = 16;
/// Words that make another card of one whose name is the same before them.
const MODELS: [&str; 11] =
    ["gre", "laptop", "max", "mobile", "pro", "super", "ti", "ultra", "xt", "xtx", "d"];

/// What a file says, as `tools/isa/predict_all.py` writes it.
#[derive(Deserialize)]
pub(super) struct Predictions {
    predictions: Vec<Prediction>,
}

/// Seconds of a run in the global mode; all that it names has to be as in the run's row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Prediction {
    /// Words of the adapter's name.
    adapter: String,
    model: Option<String>,
    kernel: Option<String>,
    channels: Option<u64>,
    size: String,
    precision: String,
    /// `auto` is whatever the adapter is given.
    variant: String,
    seconds: f64,
}

impl Predictions {
    /// None without a file.
    pub(super) fn read(path: Option<&Path>) -> Result<Option<Self>, Error> {
        let Some(path) = path else { return Ok(None) };
        let io = |source| Error::Io { action: "read", path: path.to_owned(), source };
        let text = reading::text(path, MOST_MIB, "list of predictions")?;
        let whole: Self = serde_json::from_str(&text).map_err(|e| io(e.into()))?;
        if whole.predictions.iter().any(|p| !(p.seconds.is_finite() && p.seconds > 0.0)) {
            return Err(io(io::Error::other("it predicts seconds that are not more than 0")));
        }
        Ok(Some(whole))
    }

    /// Adds the column to a row, behind what the adapter's clock said.
    pub(super) fn add_to(&self, row: &mut Row) {
        let found = self.predictions.iter().find(|p| p.is_of(row));
        let cell = found.map_or(Cell::None, |p| Cell::Seconds(p.seconds));
        let behind = row.iter().position(|(name, _)| *name == "gpu").map_or(row.len(), |gpu| gpu + 1);
        row.insert(behind, ("predicted", cell));
    }
}

impl Prediction {
    fn is_of(&self, row: &Row) -> bool {
        let cell = |name: &str| row.iter().find(|(column, _)| *column == name).map(|(_, cell)| cell.shown());
        let same = |name: &str, value: Option<String>| cell(name) == value;
        same("model", self.model.clone())
            && same("kernel", self.kernel.clone())
            && same("channels", self.channels.map(|channels| channels.to_string()))
            && cell("mode").is_none_or(|mode| mode == ModeArg::Global.name())
            && same("size", Some(self.size.clone()))
            && same("precision", Some(self.precision.clone()))
            && cell("variant").is_some_and(|used| is_variant(&self.variant, &used))
            && cell("adapter").is_some_and(|name| is_adapter(&self.adapter, &name))
    }
}

/// Whether a row's variant is the predicted one: `auto: tiled winograd4` is `auto`.
fn is_variant(predicted: &str, used: &str) -> bool {
    used == predicted || used.split_once(':').is_some_and(|(how, _)| how == predicted)
}

/// Whether an adapter's name has all the words of the predicted one, and none that would make it another card.
fn is_adapter(predicted: &str, name: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).collect()
    };
    let (predicted, name) = (words(predicted), words(name));
    let other = |word: &String| MODELS.contains(&word.as_str()) && !predicted.contains(word);
    !predicted.is_empty() && predicted.iter().all(|word| name.contains(word)) && !name.iter().any(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_are_told_apart_by_the_words_of_their_names() {
        for (predicted, name, same) in [
            ("RX 7900 XTX", "AMD Radeon RX 7900 XTX (RADV NAVI31)", true),
            ("RX 7900 XTX", "AMD Radeon RX 7900 XT (RADV NAVI31)", false),
            ("RTX 3090", "NVIDIA GeForce RTX 3090", true),
            ("RTX 3090", "NVIDIA GeForce RTX 3090 Ti", false),
            ("RTX 4090", "NVIDIA GeForce RTX 4090 Laptop GPU", false),
            ("Arc A770", "Intel(R) Arc(TM) A770 Graphics (DG2)", true),
            ("Adreno 740", "Turnip Adreno (TM) 740", true),
            ("Apple M1", "Apple M1 Pro", false),
            ("", "anything", false),
        ] {
            assert_eq!(is_adapter(predicted, name), same, "{predicted} {name}");
        }
    }

    #[test]
    fn what_the_adapter_is_given_is_auto() {
        assert!(is_variant("auto", "auto: tiled winograd4") && is_variant("tiled", "tiled"));
        assert!(!is_variant("tiled", "auto: tiled") && !is_variant("auto", "tiled"));
    }
}
