//! What a model is for and under which terms, as far as its file tells.

use std::collections::BTreeMap;

use super::{ModelConfig, Task, Weights};

/// The task by name. A key of this program; [`TAGS`] say it in words that others read.
pub(super) const TASK: &str = "mprnet.task";
/// Comma-separated tags of the [ModelSpec](https://github.com/Stability-AI/ModelSpec).
pub(super) const TAGS: &str = "modelspec.tags";
/// The licence, of the same specification.
pub(super) const LICENSE: &str = "modelspec.license";

/// What a model is for, and under which terms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// The task, where metadata name it (`mprnet.task` or `modelspec.tags`), or where it is presumed.
    pub task: Option<Task>,
    /// The licence, where metadata name it (`modelspec.license`).
    pub license: Option<String>,
    /// Metadata name neither task nor licence, and the shapes are those of a published network, whose task it is
    /// presumed to have: it may be what the paper's authors published.
    pub presumed: bool,
}

impl Provenance {
    /// What metadata say, and where they say nothing, what the configuration gives away.
    #[must_use]
    pub fn of(metadata: &BTreeMap<String, String>, config: ModelConfig) -> Self {
        let stated = |key: &str| metadata.get(key).map(|text| text.trim()).filter(|text| !text.is_empty());
        let tagged = || stated(TAGS)?.split(',').find_map(named);
        let task = stated(TASK).and_then(named).or_else(tagged);
        let license = stated(LICENSE).map(str::to_owned);
        // A task that is none of these three is stated all the same.
        let silent = task.is_none() && license.is_none() && stated(TASK).is_none();
        let shaped = Task::ALL.into_iter().find(|task| silent && task.published_config() == config);
        Self { task: task.or(shaped), license, presumed: shaped.is_some() }
    }

    /// What whoever uses the model should know, in one sentence; none where its file states a task or a licence, or
    /// its shapes are not those of a published network.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        let task = self.task.filter(|_| self.presumed)?;
        Some(format!(
            "the model states neither task nor licence and is shaped like the published {task} network; \
             if these are its authors' weights, they are for non-commercial (academic) use only"
        ))
    }
}

/// A task by its name in any case.
pub(super) fn named(text: &str) -> Option<Task> {
    Task::named(&text.trim().to_ascii_lowercase())
}

impl Weights {
    /// What they are for, and under which terms.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        Provenance::of(self.metadata(), self.config())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &[(&str, &str)], config: ModelConfig) -> Provenance {
        let metadata = entries.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        Provenance::of(&metadata, config)
    }

    #[test]
    fn task_as_metadata_name_it() {
        let light = ModelConfig { n_feat: 16, ..ModelConfig::DERAIN };
        for (entries, task) in [
            (&[(TASK, "deblur"), (TAGS, "image-restoration, denoise")][..], Task::Deblur),
            (&[(TAGS, "image-restoration, Denoise")], Task::Denoise),
            (&[(TASK, "dehaze"), (TAGS, "deblur")], Task::Deblur),
        ] {
            for config in [light, ModelConfig::DERAIN] {
                let expected = Provenance { task: Some(task), license: None, presumed: false };
                assert_eq!(of(entries, config), expected, "{entries:?}");
            }
        }
    }

    #[test]
    fn published_shape_alone_is_noticed() {
        for task in Task::ALL {
            let published = task.published_config();
            for silent in
                [&[][..], &[("format", "pt")], &[(LICENSE, " "), (TASK, "")], &[(TAGS, "photographs")]]
            {
                let found = of(silent, published);
                assert_eq!(
                    found,
                    Provenance { task: Some(task), license: None, presumed: true },
                    "{silent:?}"
                );
                let notice = found.notice().expect("a notice");
                assert!(notice.contains("non-commercial") && notice.contains(task.name()), "{notice}");
            }
            for stated in [(LICENSE, "MIT"), (TASK, "derain"), (TASK, "dehaze"), (TAGS, "deblur")] {
                assert_eq!(of(&[stated], published).notice(), None, "{stated:?}");
            }
            for other in [
                ModelConfig { shuffle: 2, ..published },
                ModelConfig { num_cab: 4, ..published },
                ModelConfig { reduction: 8, ..published },
            ] {
                let nothing = Provenance { task: None, license: None, presumed: false };
                assert_eq!(of(&[], other), nothing, "{other}");
            }
        }
    }

    #[test]
    fn license_without_task_tells_no_task() {
        let found = of(&[(LICENSE, " CC0-1.0 ")], ModelConfig::DEBLUR);
        assert_eq!(found, Provenance { task: None, license: Some("CC0-1.0".to_owned()), presumed: false });
    }
}
