//! Networks with PyTorch's tensors: those embedded in the library, and those of a folder.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::checkpoint::Checkpoint;
use crate::graph::Graph;
use crate::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Task, Weights};
use crate::{Error, Result, Shown};

/// The file of a folder that lists its networks.
pub const MANIFEST: &str = "networks.json";

/// A small configuration of every kind of operator.
const TINY: ModelConfig =
    ModelConfig { n_feat: 8, scale_unetfeats: 4, scale_orsnetfeats: 4, num_cab: 2, reduction: 4, shuffle: 1 };

/// Tensors that PyTorch has computed for seeded weights; see `golden/README.md`.
const KNOWN: &[u8] = include_bytes!("../../golden/known_answers.safetensors");

/// A network, a photo, and what PyTorch makes of it.
#[derive(Clone, Debug)]
pub struct GoldenNetwork {
    /// What it is called in reports.
    pub name: String,
    /// Its weights.
    pub weights: Weights,
    /// What the means of channel attention are taken over.
    pub mode: Mode,
    tensors: BTreeMap<String, Tensor>,
    size: [u32; 2],
}

#[derive(Clone, Debug)]
struct Tensor {
    shape: Vec<usize>,
    values: std::sync::Arc<[f32]>,
}

/// A line of the manifest.
#[derive(Deserialize)]
struct Listed {
    name: String,
    /// The file of tensors: `input`, `stage1` to `stage3`, and any features by their modules' names.
    tensors: String,
    /// Of the local mode: a side of the training's crops.
    local: Option<u32>,
    #[serde(flatten)]
    weights: Origin,
}

/// Where weights come from.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Origin {
    /// A file.
    Weights(String),
    /// Random weights of a published configuration.
    Seeded { config: String, seed: u32 },
}

impl GoldenNetwork {
    /// Two small networks that are part of the library: of full size, and behind a pixel unshuffle.
    ///
    /// # Errors
    /// None but a mistake of the library.
    pub fn embedded() -> Result<Vec<Self>> {
        let file = Checkpoint::from_safetensors(KNOWN, "the known answers")?;
        let shuffled = ModelConfig { shuffle: 2, ..TINY };
        [("tiny", TINY, 1), ("tiny_shuffle2", shuffled, 3)]
            .into_iter()
            .map(|(name, config, seed)| {
                let prefix = format!("{name}/");
                Self::new(name, Weights::seeded(config, seed), Mode::Global, &file, &prefix)
            })
            .collect()
    }

    /// The networks that `networks.json` of a folder lists: `name`; `tensors`, a safetensors file with `input`,
    /// `stage3` and any other tensors by name; `weights`, a file, or `seeded`, a published configuration and a seed;
    /// and of the local mode `local`, a side of the training's crops in pixels.
    ///
    /// # Errors
    /// [`Error::Golden`], or what a checkpoint's file may give.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>> {
        let path = folder.join(MANIFEST);
        let text = std::fs::read(&path).map_err(|source| Error::Io {
            action: "read",
            path: path.clone(),
            source,
        })?;
        let broken = |reason: String| Error::Golden { path: path.clone(), reason };
        let listed: Vec<Listed> = serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))?;
        if listed.is_empty() {
            return Err(broken("it lists no network".to_owned()));
        }
        let read = |network: Listed| {
            let weights = match network.weights {
                Origin::Weights(file) => Weights::read(&folder.join(file))?,
                Origin::Seeded { config, seed } => {
                    let task = Task::named(&config)
                        .ok_or_else(|| broken(format!("{config} is no published configuration")))?;
                    Weights::seeded(task.published_config(), seed)
                }
            };
            let mode = network.local.map_or(Mode::Global, |size| Mode::Local { train_size: Some(size) });
            Self::new(&network.name, weights, mode, &Checkpoint::open(&folder.join(network.tensors))?, "")
        };
        listed.into_iter().map(read).collect()
    }

    /// A network with these weights, and what PyTorch makes of a photo: `input` and `stage3` in a file's tensors, and
    /// any others by their modules' names; in a mode.
    ///
    /// # Errors
    /// [`Error::Golden`] where the tensors do not fit the network.
    pub fn of(name: &str, weights: Weights, mode: Mode, file: &Checkpoint<'_>) -> Result<Self> {
        Self::new(name, weights, mode, file, "")
    }

    fn new(name: &str, weights: Weights, mode: Mode, file: &Checkpoint<'_>, prefix: &str) -> Result<Self> {
        let mut tensors = BTreeMap::new();
        for (key, shape) in file.shapes() {
            if let Some(name) = key.strip_prefix(prefix) {
                let values = file.values(&key)?;
                tensors.insert(name.to_owned(), Tensor { shape, values });
            }
        }
        let multiple = weights.config().side_multiple() as usize;
        let size = match tensors.get("input").map(|input| input.shape.as_slice()) {
            Some(&[1, 3, height, width])
                if height % multiple == 0 && width % multiple == 0 && height * width > 0 =>
            {
                [height as u32, width as u32]
            }
            _ => {
                let reason = format!("input must be of 1 x 3 x height x width, in multiples of {multiple}");
                return Err(Error::Golden { path: file.origin().into(), reason });
            }
        };
        let network = Self { name: name.to_owned(), weights, mode, tensors, size };
        let unfit = network.unfit()?.map(|reason| Error::Golden { path: file.origin().into(), reason });
        unfit.map_or(Ok(network), Err)
    }

    /// The graph for the photo, as the paper has it.
    pub(super) fn graph(&self) -> Result<Graph> {
        let [height, width] = self.size;
        let (format, stage) = (ImageFormat::Planar, Stage::Three);
        let options = NetworkOptions { width, height, format, stage, mode: self.mode, keep: Vec::new() };
        model::build(&self.weights, &options)
    }

    /// What of the tensors cannot be compared with.
    fn unfit(&self) -> Result<Option<String>> {
        let graph = self.graph()?;
        if !self.tensors.contains_key("stage3") {
            return Ok(Some("it has no stage3".to_owned()));
        }
        let wrong = |(name, tensor): (&String, &Tensor)| {
            let values = tensor.values.len() as u64;
            match graph.find(name).map(|id| graph.desc(id)) {
                None => Some(format!("the network has no tensor {}", Shown(name))),
                Some(desc) if desc.elements() != values => {
                    Some(format!("its {} has {values} values, not {desc}", Shown(name)))
                }
                Some(_) if !tensor.values.iter().all(|v| v.is_finite()) => {
                    Some(format!("its {} is not finite", Shown(name)))
                }
                Some(_) => None,
            }
        };
        Ok(self.tensors.iter().find_map(wrong))
    }

    /// Rows and columns of the photo.
    #[must_use]
    pub fn size(&self) -> [u32; 2] {
        self.size
    }

    /// The names of PyTorch's tensors, `input` among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// PyTorch's values of a tensor.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[f32]> {
        self.tensors.get(name).map(|tensor| &*tensor.values)
    }

    /// The photo: three planes in 0..1.
    pub(super) fn input(&self) -> &[f32] {
        &self.tensors["input"].values
    }
}
