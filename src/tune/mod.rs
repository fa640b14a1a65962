//! Which variant of a kernel an adapter is given: measured once, remembered on disk.
//!
//! What a variant is worth depends on the adapter more than on anything that can be known beforehand. A [`Tuner`]
//! measures every candidate of the rule for each 3x3 convolution of a network on the adapter itself, which takes
//! seconds on a GPU, and remembers what was fastest in a file of the user's cache directory ([`cache_file`]). A choice
//! holds for an adapter, its driver, the text of the shaders, how values are stored, and a class of shapes: channels
//! and epilogue as they are, sides rounded up to powers of two and no larger than 512, where speed per pixel no longer
//! changes.
//!
//! A variant whose results stray beyond its bound on a small crop of the shape is not chosen, however fast it is:
//! drivers have bugs. Nor does any shape get it that there was no time to measure. Restorers have the kernels of
//! cooperative matrices checked so also where nothing is measured, before the rule may choose them.

mod cache;
mod measure;
mod proof;
mod verdicts;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use web_time::Instant;

pub use cache::cache_file;

use crate::checkpoint::sha256_of;
use crate::gpu::{AdapterSummary, Device, KernelSpec, Storage};
use crate::graph::{Graph, KernelSize, Node, Op, cost};
use crate::kernels::{self, Choices, ConvShape, Target, Variant, candidates};
use crate::plan::Precision;
use crate::specimen::{Specimen, bound};
use crate::{Error, Result};
use cache::{Cache, Entry, Key};
use measure::Measuring;

/// Time for measuring what is missing; what then still is, is left to the rule and to the next time.
const BUDGET: Duration = Duration::from_secs(20);
/// Sides past this are measured at this: the adapter is full.
const LARGEST: u32 = 512;
/// Rows and columns of a patch on which results are compared: two cells each way, the second one cut off.
const CROP: [u32; 2] = [11, 14];

/// Whether variants are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tuning {
    /// Never: variants are chosen by rule ([`Choices::Rule`]), and no file is read or written.
    #[default]
    Off,
    /// What is remembered is used, what is missing is measured.
    On,
    /// Everything is measured anew.
    Force,
}

impl Tuning {
    /// What pays on an adapter: on for a GPU; off for a software adapter, where measuring costs tens of seconds
    /// for what the rule knows already.
    #[must_use]
    pub fn for_adapter(adapter: &AdapterSummary) -> Self {
        if adapter.is_software() { Self::Off } else { Self::On }
    }
}

/// Chooses variants, by measuring where it has to.
#[derive(Debug)]
pub struct Tuner {
    tuning: Tuning,
    cache: Option<PathBuf>,
    budget: Duration,
    /// What this tuner has measured.
    measured: Vec<Entry>,
    /// Kernels of matrices whose results it has found right.
    proven: HashSet<KernelSpec>,
}

/// Judges a variant on a shape.
trait Judge {
    /// Relative L2 error against the twin, on a crop.
    fn error(&mut self, shape: &ConvShape, variant: Variant) -> Result<f64>;
    /// Seconds it takes.
    fn seconds(&mut self, shape: &ConvShape, variant: Variant) -> Result<f64>;
    /// Whether nothing more can be judged.
    fn is_lost(&self) -> bool {
        false
    }
}

impl Tuner {
    /// A tuner that remembers choices in [`cache_file`].
    #[must_use]
    pub fn new(tuning: Tuning) -> Self {
        Self::with_cache(tuning, cache_file())
    }

    /// A tuner that remembers choices in that file, or for itself alone.
    #[must_use]
    pub fn with_cache(tuning: Tuning, cache: Option<PathBuf>) -> Self {
        Self { tuning, cache, budget: BUDGET, measured: Vec::new(), proven: HashSet::new() }
    }

    /// The variants for a graph on a device. Whatever goes wrong with measuring or remembering is a warning, and the
    /// rule decides.
    pub fn choices(&mut self, device: &Device, precision: Precision, graph: &Graph) -> Choices {
        if self.tuning == Tuning::Off {
            return Choices::Rule;
        }
        self.prove(device, precision, graph);
        let mut judge = Measuring::new(device, precision);
        let mut driver = device.adapter().driver.clone();
        if driver.is_empty() {
            // Metal's drivers are part of the system.
            driver = system_version();
        }
        let target = Target::of(device, precision);
        self.decide((&device.adapter().name, &driver), &target, graph, &mut judge)
    }

    fn decide(
        &mut self,
        adapter: (&str, &str),
        target: &Target,
        graph: &Graph,
        judge: &mut dyn Judge,
    ) -> Choices {
        let deadline = Instant::now() + self.budget;
        let mut cache = Cache::read(self.cache.as_deref());
        let (mut decided, mut fresh, mut left) = (Vec::new(), Vec::new(), 0);
        for (class, shapes) in classes(graph) {
            let variants: Vec<Variant> = candidates(&class, target).iter().map(|c| c.variant).collect();
            if variants.len() < 2 {
                continue;
            }
            let Ok(shaders) = shader_hash(&class, &variants, target) else { continue };
            let key = Key::new(adapter, shaders, target.storage, &class);
            let remembered = if self.tuning == Tuning::On { cache.find(&key) } else { None };
            let known = self.measured.iter().find(|e| e.key == key).or(remembered).cloned();
            let entry = match known {
                Some(entry) => entry,
                None if Instant::now() >= deadline => {
                    left += 1;
                    continue;
                }
                None => {
                    if fresh.is_empty() && self.measured.is_empty() {
                        tracing::info!(adapter = adapter.0, "measuring which convolutions are fastest here");
                    }
                    let (entry, lasting) = judged(key, &class, &variants, target.storage, judge);
                    if judge.is_lost() {
                        break;
                    }
                    let known_to = if lasting { &mut fresh } else { &mut self.measured };
                    known_to.push(entry.clone());
                    entry
                }
            };
            decided.push((entry, shapes));
        }
        if left > 0 {
            tracing::debug!(
                left,
                "measuring took its time; other shapes of convolutions are left to the rule"
            );
        }
        if !fresh.is_empty() {
            self.measured.extend(cache.remember(fresh, self.tuning == Tuning::Force));
        }
        let verdicts = self.verdicts(adapter, &cache, decided);
        verdicts::warn_where_none_is_right(&verdicts, graph, target);
        Choices::Measured(Arc::new(verdicts))
    }
}

/// A graph's 3x3 convolutions.
fn three_by_three(graph: &Graph) -> impl Iterator<Item = (&Node, ConvShape)> {
    graph.nodes().iter().filter_map(|node| match &node.op {
        Op::Conv(conv) if conv.kernel == KernelSize::Three => Some((node, ConvShape::of(graph, node, conv))),
        _ => None,
    })
}

/// The shapes of a graph's 3x3 convolutions by what they are measured as, those with most arithmetic first.
fn classes(graph: &Graph) -> Vec<(ConvShape, Vec<ConvShape>)> {
    let mut found: BTreeMap<ConvShape, (u64, Vec<ConvShape>)> = BTreeMap::new();
    for (node, shape) in three_by_three(graph) {
        let (work, shapes) = found.entry(class(&shape)).or_default();
        *work += cost::multiply_adds(graph, node);
        if !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|(_, (work, _))| std::cmp::Reverse(*work));
    found.into_iter().map(|(class, (_, shapes))| (class, shapes)).collect()
}

/// What a shape is measured as.
fn class(shape: &ConvShape) -> ConvShape {
    let side = |i: usize| {
        let patches = shape.patches[i].max(1);
        (shape.size[i] / patches).next_power_of_two().min(LARGEST / patches) * patches
    };
    ConvShape { size: [side(0), side(1)], ..shape.clone() }
}

/// The part of a shape on which results are compared.
fn crop(shape: &ConvShape) -> ConvShape {
    let side = |i: usize| shape.size[i].min(CROP[i] * shape.patches[i]);
    ConvShape { size: [side(0), side(1)], ..shape.clone() }
}

/// The SHA-256 of everything that the variants compile for a shape.
fn shader_hash(class: &ConvShape, variants: &[Variant], target: &Target) -> Result<String> {
    let specimen = Specimen::convolution(&crop(class))?;
    let mut texts = vec![env!("CARGO_PKG_VERSION").to_owned()];
    for &variant in variants {
        let target = target.clone().with_choices(Choices::Always(variant));
        let lowered = kernels::lower(specimen.graph(), &specimen.graph().nodes()[0], &target);
        for stage in &lowered.stages {
            texts.push(stage.spec.link()?);
        }
    }
    Ok(sha256_of(texts))
}

#[cfg(not(target_family = "wasm"))]
fn system_version() -> String {
    sysinfo::System::long_os_version().unwrap_or_default()
}

#[cfg(target_family = "wasm")]
fn system_version() -> String {
    String::new()
}

/// Judges every variant on a shape; the fastest of those whose results are right is chosen. Gives whether that will
/// hold another time: not where memory was short, or the device did not answer.
fn judged(
    key: Key,
    class: &ConvShape,
    variants: &[Variant],
    storage: Storage,
    judge: &mut dyn Judge,
) -> (Entry, bool) {
    let mut entry = Entry::new(key);
    let (mut fastest, mut lasting) = (f64::INFINITY, true);
    for &variant in variants {
        let name = variant.name().to_owned();
        match judge_one(class, variant, storage, judge) {
            Ok(seconds) => {
                if seconds < fastest {
                    (fastest, entry.variant) = (seconds, Some(name.clone()));
                }
                entry.seconds.insert(name, seconds);
            }
            Err(error) => {
                lasting &= error.lasts();
                let reason = error.to_string();
                tracing::warn!(variant = name, shape = %entry.key.shape, reason, "not used on this adapter");
                if matches!(error, Unfit::Wrong(..)) {
                    entry.wrong.insert(name.clone());
                }
                entry.disqualified.insert(name, reason);
            }
        }
    }
    tracing::debug!(shape = %entry.key.shape, variant = entry.variant, seconds = ?entry.seconds, "measured");
    (entry, lasting)
}

/// Why a variant cannot be chosen.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("its relative L2 error is {0:.1e}, more than {1:.0e}")]
    Wrong(f64, f64),
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Unfit {
    /// Whether it holds another time: a lack of memory may pass, a lost device, a clock that went backwards.
    fn lasts(&self) -> bool {
        matches!(self, Self::Wrong(..) | Self::Failed(Error::Shader { .. }))
    }
}

/// Seconds, or why it cannot be chosen.
fn judge_one(
    class: &ConvShape,
    variant: Variant,
    storage: Storage,
    judge: &mut dyn Judge,
) -> std::result::Result<f64, Unfit> {
    within(judge.error(class, variant)?, variant, storage)?;
    Ok(judge.seconds(class, variant)?)
}

/// Whether an error is one that a variant's results may have.
fn within(error: f64, variant: Variant, storage: Storage) -> std::result::Result<(), Unfit> {
    let bound = bound(variant, storage);
    if error > bound || error.is_nan() {
        return Err(Unfit::Wrong(error, bound));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
