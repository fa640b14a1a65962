//! What a restorer keeps for each size of photo: executors, of which one works at a time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::RestorerOptions;
use crate::engine::{Ends, Executor, ExecutorOptions, MakeRoom, Values, WeightStore};
use crate::gpu::Device;
use crate::graph::{Graph, passes};
use crate::image::{Frame, Samples};
use crate::model::{self, FeaturePeaks, ImageFormat, NetworkOptions, Weights};
use crate::plan::Precision;
use crate::tune::Tuner;
use crate::{Error, Result};

/// Bytes on the device that executors of other sizes than the current photo's may keep, where nothing bounds all of
/// them. Drivers hand out more memory than there is, so waiting for a failure would be too late.
const KEPT_BYTES: u64 = 1 << 30;

/// Executors besides that are kept at most: each has tables on the host too, of hundreds of dispatches.
pub(super) const KEPT: usize = 31;

/// What the graph for a photo depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key {
    /// Which network of those that follow one another.
    pub(super) network: usize,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) format: ImageFormat,
    pub(super) precision: Precision,
}

/// [`Executor::precompiled`] or [`Executor::begin`].
type New = fn(&Device, &WeightStore, Graph, &ExecutorOptions, MakeRoom<'_>) -> Result<Executor>;

impl Key {
    fn size(self) -> [u32; 2] {
        [self.width, self.height]
    }
}

/// What executors are made of.
pub(super) struct Model {
    /// Which network of those that follow one another it is.
    pub(super) place: usize,
    pub(super) device: Device,
    pub(super) weights: Weights,
    pub(super) options: RestorerOptions,
    pub(super) store: WeightStore,
    /// How large features become, once f16 has needed it.
    pub(super) peaks: OnceLock<FeaturePeaks>,
    /// Whether f16 has turned out not to hold this model.
    pub(super) too_large: AtomicBool,
}

impl Model {
    pub(super) fn precision(&self) -> Precision {
        if self.too_large.load(Ordering::Relaxed) { Precision::F32 } else { self.options.precision }
    }

    /// What the graph for a photo depends on.
    pub(super) fn key(&self, photo: &Frame) -> Key {
        self.key_of([photo.width(), photo.height()], ImageFormat::of(photo.samples().depth()))
    }

    /// The same, for a photo of which so much is known.
    pub(super) fn key_of(&self, [width, height]: [u32; 2], format: ImageFormat) -> Key {
        Key { network: self.place, width, height, format, precision: self.precision() }
    }

    /// The graph as the network is defined.
    pub(super) fn defined(&self, key: Key, keep: &[String]) -> Result<Graph> {
        let Key { width, height, format, .. } = key;
        let RestorerOptions { stage, mode, .. } = self.options;
        let options = NetworkOptions { width, height, format, stage, mode, keep: keep.to_vec() };
        model::build(&self.weights, &options)
    }

    /// The graph to execute, and the powers of two that its tensors are computed times.
    pub(super) fn graph(&self, key: Key, keep: &[String]) -> Result<(Graph, Vec<i32>)> {
        let Key { width, height, precision, .. } = key;
        let mut graph = self.defined(key, keep)?;
        if self.options.passes {
            graph = passes::optimize(graph)?;
        } else {
            passes::drop_dead(&mut graph);
        }
        let exponents = match self.peaks.get() {
            Some(peaks) if precision == Precision::F16 => peaks.fit(&mut graph),
            _ => vec![0; graph.tensor_count()],
        };
        tracing::debug!(width, height, operators = graph.nodes().len(), "built the graph");
        Ok((graph, exponents))
    }
}

/// What a network sees.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    /// A photo of the host.
    Photo(&'a Frame),
    /// An image of the device, with the one that its result goes to.
    OnDevice(&'a Ends<'a>),
}

impl Seen<'_> {
    /// What the graph takes from the host.
    pub(super) fn inputs(self) -> Result<Vec<Values>> {
        Ok(match self {
            Self::OnDevice(_) => Vec::new(),
            Self::Photo(photo) => vec![match photo.samples() {
                Samples::U8(_) => Values::Words(photo.to_words()?),
                Samples::U16(_) | Samples::F32(_) => Values::Planar(photo.to_planar()),
            }],
        })
    }

    pub(super) fn ends(&self) -> Option<&Ends<'_>> {
        match self {
            Self::Photo(_) => None,
            Self::OnDevice(ends) => Some(ends),
        }
    }
}

/// Executors of the sizes used last, of all networks that follow one another, and who works with them.
pub(super) struct Cache {
    pub(super) tuner: Tuner,
    /// Most recently used last.
    executors: Vec<(Key, Executor)>,
    /// Bytes of the device that executors of other sizes than the current photo's may take, where nothing bounds all.
    spare: u64,
    /// Bytes that a photo may take, since the device had no more for an earlier one; forgotten where they are too few.
    limit: Option<u64>,
}

impl Cache {
    pub(super) fn new(tuner: Tuner) -> Self {
        Self { tuner, executors: Vec::new(), spare: KEPT_BYTES, limit: None }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.executors.len()
    }

    /// Takes the executor of a size out, where there is one.
    pub(super) fn take(&mut self, key: Key) -> Option<Executor> {
        let at = self.executors.iter().position(|(k, _)| *k == key)?;
        Some(self.executors.remove(at).1)
    }

    /// Keeps the executor of a size that has done its work.
    pub(super) fn put(&mut self, key: Key, executor: Executor) {
        self.executors.push((key, executor));
    }

    /// Lets executors go, those used longest ago first, until the others take no more than this; those of one size
    /// may stay, whatever they take.
    fn keep(&mut self, most: u64, besides: Option<[u32; 2]>) {
        while self.executors.len() > KEPT || self.kept(besides) > most {
            let oldest = self.executors.iter().position(|(key, _)| Some(key.size()) != besides);
            self.executors.remove(oldest.unwrap_or_default());
        }
    }

    /// Bytes of the device that executors take, apart from those of one size.
    fn kept(&self, besides: Option<[u32; 2]>) -> u64 {
        let counted = self.executors.iter().filter(|(key, _)| Some(key.size()) != besides);
        counted.map(|(_, executor)| executor.memory().device()).sum()
    }

    /// Compiles a graph, or begins to, after making room for its buffers; `lack` is why this photo's last attempt had
    /// no memory, where that is why.
    pub(super) fn compile(
        &mut self,
        model: &Model,
        graph: &Graph,
        key: Key,
        new: New,
        mut lack: Option<Error>,
    ) -> Result<Executor> {
        let precision = key.precision;
        let device = &model.device;
        self.tuner.prove(device, precision, graph);
        let choices = self.tuner.choices(device, precision, graph);
        let on_device = matches!(key.format, ImageFormat::Pixels { .. });
        let mut options = ExecutorOptions { precision, choices, on_device, ..ExecutorOptions::default() };
        let mut planned = 0;
        let made = loop {
            let bound = self.limit.or(model.options.max_memory);
            options.max_memory = bound;
            let mut make_room = |bytes| {
                planned = bytes;
                match bound {
                    Some(bound) => self.keep(bound.saturating_sub(bytes), None),
                    // The photo's other networks are needed again for the next one.
                    None => self.keep(self.spare, Some(key.size())),
                }
            };
            match new(device, &model.store, graph.clone(), &options, &mut make_room) {
                Err(Error::Gpu { .. } | Error::OutOfMemory { .. }) if self.let_go() => {}
                Err(Error::OutOfMemory { during, bytes }) if self.lower(planned.max(bytes)) => {
                    lack = lack.or(Some(Error::OutOfMemory { during, bytes }));
                }
                // What an earlier photo found: there may be room again.
                Err(Error::BudgetTooSmall { .. }) if lack.is_none() && self.limit.take().is_some() => {}
                // It is the device that has no more, not whoever bounds what it may give.
                Err(too_small @ Error::BudgetTooSmall { .. }) => return Err(lack.unwrap_or(too_small)),
                made => break made?,
            }
        };
        if let Some(bands) = made.bands() {
            let (budget, host) = (options.max_memory.unwrap_or_default() >> 20, made.memory().host >> 20);
            tracing::warn!(
                "the photo is computed in {bands} bands, since the whole takes more than {budget} MiB of the device; {host} MiB \
                 of the host's memory hold what passes between them"
            );
        }
        tracing::info!(
            tensors_mib = made.memory().tensors >> 20,
            weights_mib = model.store.bytes() >> 20,
            dispatches = made.dispatch_count(),
            "planned"
        );
        Ok(made)
    }

    /// Lets every executor go; whether there was one.
    pub(super) fn let_go(&mut self) -> bool {
        let any = !self.executors.is_empty();
        self.executors.clear();
        any
    }

    /// Notes that the device has no room for so many bytes, the plan's and not those of the one buffer that was refused;
    /// whether another attempt with fewer makes sense.
    pub(super) fn lower(&mut self, bytes: u64) -> bool {
        let next = self.limit.map_or(bytes, |limit| limit.min(bytes)) / 2;
        if next < LEAST {
            return false;
        }
        tracing::warn!("the device has no room for {} MiB; trying {} MiB", bytes >> 20, next >> 20);
        self.limit = Some(next);
        true
    }
}

/// Less than this is not tried where the device turns out to have no room.
const LEAST: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use super::super::turn::Turn;
    use super::*;
    use crate::model::{ModelConfig, Weights};
    use crate::tune::Tuning;

    fn model(max_memory: impl Into<Option<u64>>) -> Model {
        let narrow = ModelConfig {
            n_feat: 8,
            scale_unetfeats: 4,
            scale_orsnetfeats: 4,
            num_cab: 1,
            ..ModelConfig::DERAIN
        };
        Model {
            place: 0,
            device: Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap(),
            weights: Weights::seeded(narrow, 1),
            options: RestorerOptions { max_memory: max_memory.into(), ..RestorerOptions::default() },
            store: WeightStore::default(),
            peaks: OnceLock::new(),
            too_large: AtomicBool::new(false),
        }
    }

    fn key(width: u32) -> Key {
        Key { network: 0, width, height: 64, format: ImageFormat::Words, precision: Precision::F32 }
    }

    /// What the executors of some widths take at most, each alone.
    fn needs<const N: usize>(widths: [u32; N]) -> [u64; N] {
        let (model, cache) = (model(u64::MAX), async_lock::Mutex::new(Cache::new(Tuner::new(Tuning::Off))));
        widths.map(|width| {
            let mut turn = Turn::new(pollster::block_on(cache.lock()), &model, key(width), &[]).unwrap();
            turn.executor().unwrap().planned_bytes()
        })
    }

    /// Which of some photos in a row have an executor made for them, and the most that is kept then.
    fn made(bound: u64, widths: &[u32]) -> (Vec<bool>, u64) {
        let (model, cache) = (model(bound), async_lock::Mutex::new(Cache::new(Tuner::new(Tuning::Off))));
        let mut most = 0;
        let photo = |&width: &u32| {
            let turn = pollster::block_on(cache.lock());
            let known = turn.executors.iter().any(|(kept, _)| *kept == key(width));
            drop(Turn::new(turn, &model, key(width), &[]).unwrap());
            most = most.max(pollster::block_on(cache.lock()).kept(None));
            !known
        };
        (widths.iter().map(photo).collect(), most)
    }

    #[test]
    fn a_bound_holds_for_all_that_is_kept() {
        let [a, b] = needs([64, 72]);
        let (compiled, most) = made(a + b, &[64, 72, 64, 72, 64, 72]);
        assert_eq!(compiled, [true, true, false, false, false, false]);
        assert!(most <= a + b, "{most} of {a} and {b}");
        let (compiled, most) = made(b + a / 2, &[64, 72, 64, 72, 64, 72]);
        assert_eq!(compiled, [true; 6]);
        assert!(most < a + b, "{most} of {a} and {b}");
    }

    #[test]
    fn a_bound_holds_for_networks_that_follow_one_another() {
        let [a] = needs([64]);
        let kept_within = |bound| {
            let chain = [0, 1].map(|place| Model { place, ..model(bound) });
            let cache = async_lock::Mutex::new(Cache::new(Tuner::new(Tuning::Off)));
            for model in &chain {
                let key = Key { network: model.place, ..key(64) };
                drop(Turn::new(pollster::block_on(cache.lock()), model, key, &[]).unwrap());
            }
            pollster::block_on(cache.lock()).len()
        };
        assert_eq!([kept_within(2 * a), kept_within(a)], [2, 1]);
    }

    /// Photos of many sizes do not fill the device, and those of one size find all networks of their chain.
    #[test]
    fn what_is_kept_where_nothing_is_bounded() {
        let [_, b, c] = needs([64, 72, 80]);
        let cache = async_lock::Mutex::new(Cache { spare: b + c, ..Cache::new(Tuner::new(Tuning::Off)) });
        let photo = |place: usize, width: u32| {
            let key = Key { network: place, ..key(width) };
            let model = Model { place, ..model(None) };
            drop(Turn::new(pollster::block_on(cache.lock()), &model, key, &[]).unwrap());
            let cache = pollster::block_on(cache.lock());
            (cache.kept(Some(key.size())), cache.len())
        };
        for (width, kept) in [(64, 1), (72, 2), (80, 3), (88, 3)] {
            let (bytes, count) = photo(0, width);
            assert!(bytes <= b + c && count == kept, "{width}: {bytes} of {b} and {c}, {count}");
        }
        pollster::block_on(cache.lock()).spare = 0;
        assert_eq!([0, 1].map(|place| photo(place, 96)), [(0, 1), (0, 2)]);
    }

    #[test]
    fn a_lack_of_memory_is_not_held_against_later_photos() {
        let [bytes] = needs([64]);
        let (model, mut cache) = (model(u64::MAX), Cache::new(Tuner::new(Tuning::Off)));
        let (graph, _) = model.graph(key(64), &[]).unwrap();
        let lacking = || Error::OutOfMemory { during: "a test".into(), bytes };
        cache.limit = Some(1000);
        let refused = cache.compile(&model, &graph, key(64), Executor::begin, Some(lacking()));
        assert!(matches!(refused, Err(Error::OutOfMemory { .. })));
        assert_eq!(cache.limit, Some(1000));
        let made = cache.compile(&model, &graph, key(64), Executor::begin, None).unwrap();
        assert_eq!((made.planned_bytes(), cache.limit), (bytes, None));
    }

    #[test]
    fn those_used_longest_ago_go_first() {
        let [a, b, c] = needs([64, 72, 80]);
        let (compiled, most) = made(b + c, &[64, 72, 64, 80, 64, 72]);
        assert_eq!(compiled, [true, true, false, true, false, true]);
        assert!(most <= b + c, "{most} of {a}, {b} and {c}");
    }
}
