//! What a restorer keeps for each size of photo: executors, of which one works at a time.

use super::sized::{Key, Model};
use crate::engine::{Executor, ExecutorOptions, Place, WeightStore};
use crate::gpu::Device;
use crate::graph::Graph;
use crate::shown::{at_least, at_most};
use crate::tune::Tuner;
use crate::{Error, Result};

/// Bytes on the device that executors of other sizes than the current photo's may keep, where nothing bounds all of
/// them. Drivers hand out more memory than there is, so waiting for a failure would be too late.
const KEPT_BYTES: u64 = 1 << 30;

/// Executors besides that are kept at most: each has tables on the host too, of hundreds of dispatches.
pub(super) const KEPT: usize = 31;

/// [`Executor::precompiled`] or [`Executor::begin`].
type New = fn(&Device, &WeightStore, Graph, &ExecutorOptions, Place<'_>) -> Result<Executor>;

/// Executors of the sizes used last, of all networks that follow one another, and who works with them.
pub(super) struct Cache {
    pub(super) tuner: Tuner,
    /// Most recently used last.
    executors: Vec<(Key, Executor)>,
    /// Bytes of the device that executors of other sizes than the current photo's may take, where nothing bounds all.
    spare: u64,
    limit: Option<Limit>,
}

/// What the device turned out to have room for. Others may have given memory back since: it is forgotten where it is
/// too little for a photo, and after some photos.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limit {
    bytes: u64,
    /// Photos that were begun since.
    photos: u32,
}

/// Photos for which a limit holds: of so many, one at most finds out in vain whether there is room again.
const LIMITED: u32 = 16;

impl Cache {
    pub(super) fn new(tuner: Tuner) -> Self {
        Self { tuner, executors: Vec::new(), spare: KEPT_BYTES, limit: None }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.executors.len()
    }

    /// Notes that another photo is begun.
    pub(super) fn another(&mut self) {
        let Some(limit) = &mut self.limit else { return };
        limit.photos += 1;
        if limit.photos > LIMITED {
            self.limit = None;
            self.executors.retain(|(_, executor)| executor.bands().is_none());
        }
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

    /// Leaves those of other sizes than this photo's what they may take, where nothing bounds all of them.
    pub(super) fn let_others_go(&mut self, model: &Model, key: Key) {
        if self.bound(model, key).is_none() {
            self.keep(self.spare, Some(key.size()));
        }
    }

    /// Bytes of the device that all executors may take together with this photo's, where something bounds them.
    fn bound(&self, model: &Model, key: Key) -> Option<u64> {
        let limit = self.limit.filter(|_| key.may_pass_through_host()).map(|limit| limit.bytes);
        limit.or(model.options.max_memory)
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
        let mut options = ExecutorOptions { precision, choices, ..ExecutorOptions::default() };
        let mut planned = 0;
        let made = loop {
            let bound = self.bound(model, key);
            options.max_memory = bound;
            let mut make_room = |bytes| {
                planned = bytes;
                match bound {
                    Some(bound) => self.keep(bound.saturating_sub(bytes), None),
                    // The photo's other networks are needed again for the next one.
                    None => self.keep(self.spare, Some(key.size())),
                }
            };
            let place = Place { make_room: &mut make_room, on_device: !key.may_pass_through_host() };
            match new(device, &model.store, graph.clone(), &options, place) {
                Err(Error::Gpu { .. } | Error::OutOfMemory { .. }) if self.let_go() => {}
                Err(Error::OutOfMemory { during, bytes }) if self.lower(key, planned.max(bytes)) => {
                    lack = lack.or(Some(Error::OutOfMemory { during, bytes }));
                }
                // What an earlier photo found, which had no need of whole tensors: there may be room again.
                Err(Error::BudgetTooSmall { .. } | Error::Input(_))
                    if lack.is_none() && self.limit.take().is_some() => {}
                // It is the device that has no more, not whoever bounds what it may give; nor does it help that less
                // would do for another photo, where this one needs tensors whole.
                Err(error @ (Error::BudgetTooSmall { .. } | Error::Input(_))) => {
                    return Err(lack.unwrap_or(error));
                }
                made => break made?,
            }
        };
        if let Some(bands) = made.bands() {
            let (budget, host) = (options.max_memory.unwrap_or_default(), made.memory().host);
            tracing::warn!(
                "the photo is computed in {bands} bands, since the whole takes more than {} of the device; {} of the host's \
                 memory hold what passes between them",
                at_most(budget),
                at_least(host)
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
    pub(super) fn lower(&mut self, key: Key, bytes: u64) -> bool {
        let next = self.limit.map_or(bytes, |limit| limit.bytes.min(bytes)) / 2;
        if next < LEAST || !key.may_pass_through_host() {
            return false;
        }
        tracing::warn!("the device has no room for {} MiB; trying {} MiB", bytes >> 20, next >> 20);
        self.limit = Some(Limit { bytes: next, photos: 0 });
        true
    }
}

/// Less than this is not tried where the device turns out to have no room.
const LEAST: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use super::super::RestorerOptions;
    use super::super::narrow;
    use super::super::turn::Turn;
    use super::*;
    use crate::graph::{Op, PixelFormat};
    use crate::model::ImageFormat;
    use crate::plan::Precision;
    use crate::tune::Tuning;

    fn model(max_memory: impl Into<Option<u64>>) -> Model {
        let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty()).unwrap();
        let options = RestorerOptions { max_memory: max_memory.into(), ..RestorerOptions::default() };
        Model::new(0, device, narrow(), options)
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
        // A large photo's goes also where the next one's size is known.
        pollster::block_on(cache.lock()).spare = u64::MAX;
        let small = photo(0, 64);
        pollster::block_on(cache.lock()).spare = 0;
        assert_eq!((small.1, photo(0, 64)), (3, (0, 1)));
    }

    #[test]
    fn a_lack_of_memory_is_not_held_against_later_photos() {
        let [bytes] = needs([64]);
        let (model, mut cache) = (model(u64::MAX), Cache::new(Tuner::new(Tuning::Off)));
        let (graph, _) = model.graph(key(64), &[]).unwrap();
        let lacking = || Error::OutOfMemory { during: "a test".into(), bytes };
        let limit = Some(Limit { bytes: 1000, photos: 0 });
        cache.limit = limit;
        let refused = cache.compile(&model, &graph, key(64), Executor::begin, Some(lacking()));
        assert!(matches!(refused, Err(Error::OutOfMemory { .. })));
        assert_eq!(cache.limit, limit);
        let made = cache.compile(&model, &graph, key(64), Executor::begin, None).unwrap();
        assert_eq!((made.planned_bytes(), cache.limit), (bytes, None));
        // Where bands fit, the whole is tried again some photos later.
        cache.limit = Some(Limit { bytes: bytes - 1, photos: 0 });
        let mut tries = || {
            cache.another();
            cache.compile(&model, &graph, key(64), Executor::begin, None).unwrap().bands().is_some()
        };
        assert!((0..LIMITED).all(|_| tries()) && !tries());
    }

    /// Sums are needed whole.
    #[test]
    fn a_lack_of_memory_keeps_no_later_photo_from_giving_whole_tensors() {
        let (model, mut cache) = (model(None), Cache::new(Tuner::new(Tuning::Off)));
        let (graph, _) = model.graph(key(64), &[]).unwrap();
        let defined = model.defined(key(64), &[]).unwrap();
        let sums = defined.nodes().iter().find(|node| matches!(node.op, Op::PoolCells)).unwrap().outputs[0];
        let name = defined.tensor(sums).name.clone();
        let (kept, _) = model.graph(key(64), &[name]).unwrap();
        let whole = cache.compile(&model, &graph, key(64), Executor::begin, None).unwrap().planned_bytes();
        let limit = Some(Limit { bytes: whole - 1, photos: 0 });
        cache.limit = limit;
        let banded = cache.compile(&model, &graph, key(64), Executor::begin, None).unwrap();
        assert!(banded.bands().is_some() && cache.limit == limit);
        let made = cache.compile(&model, &kept, key(64), Executor::begin, None).unwrap();
        assert!(made.bands().is_none() && cache.limit.is_none());
    }

    /// Images of the device cannot pass through the host, whatever it has no room for.
    #[test]
    fn a_lack_of_memory_puts_no_image_of_the_device_into_bands() {
        let (model, mut cache) = (model(None), Cache::new(Tuner::new(Tuning::Off)));
        let format = ImageFormat::Pixels { format: PixelFormat::Float32, strength: 1.0 };
        let on_device = Key { format, ..key(64) };
        assert!(!cache.lower(on_device, 1 << 30) && cache.limit.is_none());
        assert!(cache.lower(key(64), 1 << 30) && cache.limit.is_some());
        cache.limit = Some(Limit { bytes: 1000, photos: 0 });
        let (graph, _) = model.graph(on_device, &[]).unwrap();
        let made = cache.compile(&model, &graph, on_device, Executor::begin, None).unwrap();
        assert!(made.bands().is_none() && cache.limit.is_some());
    }

    #[test]
    fn those_used_longest_ago_go_first() {
        let [a, b, c] = needs([64, 72, 80]);
        let (compiled, most) = made(b + c, &[64, 72, 64, 80, 64, 72]);
        assert_eq!(compiled, [true, true, false, true, false, true]);
        assert!(most <= b + c, "{most} of {a}, {b} and {c}");
    }
}
