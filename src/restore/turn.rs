//! The time in which a restorer works on one photo.

use async_lock::MutexGuard;
use web_time::Instant;

use super::cache::Cache;
use super::sized::{Key, Model, Seen};
use crate::engine::{Computed, Executor, Progress, Staged, Watch};
use crate::kernels::Variant;
use crate::{Error, Result};

/// The time in which one photo's work is submitted. At its end, however it comes, the executor goes back to the others.
pub(super) struct Turn<'a> {
    cache: MutexGuard<'a, Cache>,
    model: &'a Model,
    key: Key,
    /// An executor that has failed is not kept, nor one that gives more than the result.
    executor: Option<Executor>,
    /// How often kernels that do not compile have given way to others.
    replaced: usize,
    keep: bool,
    /// The powers of two that the graph's tensors are computed times, of a graph that gives more than the result.
    pub(super) exponents: Vec<i32>,
}

impl<'a> Turn<'a> {
    /// Finds the executor, or begins to compile one.
    pub(super) fn new(
        mut cache: MutexGuard<'a, Cache>,
        model: &'a Model,
        key: Key,
        names: &[String],
    ) -> Result<Self> {
        let keep = names.is_empty();
        cache.another();
        let known = if keep { cache.take(key) } else { None };
        let (executor, exponents) = if let Some(executor) = known {
            cache.let_others_go(model, key);
            (executor, Vec::new())
        } else {
            let (graph, exponents) = model.graph(key, names)?;
            (cache.compile(model, &graph, key, Executor::begin, None)?, exponents)
        };
        Ok(Self { cache, model, key, executor: Some(executor), replaced: 0, keep, exponents })
    }

    /// The executor, which has not failed.
    pub(super) fn executor(&mut self) -> Result<&mut Executor> {
        self.executor.as_mut().ok_or_else(|| Error::Input("the run has failed before".to_owned()))
    }

    /// Submits all of a photo's work, while its kernels are still being compiled. Where one of them does not, another
    /// takes its place, and what was computed before is computed anew.
    pub(super) async fn compute<P: FnMut(Progress) + ?Sized>(
        &mut self,
        seen: Seen<'_>,
        staged: Option<Staged>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Computed> {
        let mut computed = self.submit(seen, staged, watch).await;
        while let Err(error) = &computed {
            let again = match error {
                // A browser tells of each when it is used, the others of all before.
                Error::Shader { .. } => {
                    self.replaced += 1;
                    self.replaced <= Variant::ALL.len()
                }
                Error::OutOfMemory { bytes, .. } => {
                    let taken = self.executor()?.memory().device();
                    self.cache.let_go() || self.cache.lower(self.key, taken.max(*bytes))
                }
                _ => false,
            };
            if !again {
                break;
            }
            let lack = computed.err().filter(|error| matches!(error, Error::OutOfMemory { .. }));
            let graph = self.executor()?.graph().clone();
            // Its buffers make room.
            self.executor = None;
            let made = self.cache.compile(self.model, &graph, self.key, Executor::precompiled, lack)?;
            self.executor = Some(made);
            computed = self.submit(seen, None, watch).await;
        }
        // What a browser has yet to tell is of this run, also where that was cancelled.
        let sound = computed.is_ok() || self.model.device.settle().await.is_ok();
        if computed.as_ref().is_err_and(|error| !matches!(error, Error::Cancelled)) || !sound {
            self.executor = None;
        }
        computed
    }

    async fn submit<P: FnMut(Progress) + ?Sized>(
        &mut self,
        seen: Seen<'_>,
        staged: Option<Staged>,
        watch: &mut Watch<'_, P>,
    ) -> Result<Computed> {
        let model = self.model;
        let executor = self.executor()?;
        let start = Instant::now();
        let staged = match staged.filter(|staged| staged.is_for(&executor.transfers)) {
            Some(staged) => staged,
            None => executor.transfers.stage(&model.device, seen.inputs()?)?,
        };
        watch.spent.upload += start.elapsed();
        watch.spent.device_bytes = executor.memory().device() + model.store.bytes();
        // A browser tells only then that there is no memory, which ends in bands.
        model.device.settle().await?;
        let computed = executor.compute_staged(&model.device, staged, seen.ends(), watch).await;
        computed.map_err(|error| model.device.cause_of(error))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // What panics leaves it half changed.
        if let Some(executor) = self.executor.take().filter(|_| self.keep && !std::thread::panicking()) {
            self.cache.put(self.key, executor);
        }
    }
}
