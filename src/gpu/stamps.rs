//! Timestamps: the adapter's own clock, read between dispatches and around passes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Device, Owned, Submitted};

/// A set of timestamps that commands write.
#[derive(Debug)]
pub(crate) struct Stamps {
    set: wgpu::QuerySet,
    resolved: Owned,
    readable: Owned,
}

impl Stamps {
    /// The most of a set.
    pub(crate) const MOST: usize = wgpu::QUERY_SET_MAX_QUERIES as usize;

    pub(crate) fn new(device: &Device, count: usize) -> Self {
        let set = device.wgpu().create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("timestamps"),
            ty: wgpu::QueryType::Timestamp,
            count: count as u32,
        });
        let buffer = |usage| {
            let size = count as u64 * u64::from(wgpu::QUERY_SIZE);
            let (label, mapped_at_creation) = (Some("timestamps"), false);
            Owned::new(device.wgpu(), &wgpu::BufferDescriptor { label, size, usage, mapped_at_creation })
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let readable = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        Self { set, resolved, readable }
    }

    /// The set, to be written to.
    pub(crate) fn set(&self) -> &wgpu::QuerySet {
        &self.set
    }

    /// A pass that writes two of them, one at either end.
    pub(crate) fn pass<'a>(
        &self,
        encoder: &'a mut wgpu::CommandEncoder,
        first: u32,
    ) -> wgpu::ComputePass<'a> {
        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: None,
            timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                query_set: &self.set,
                beginning_of_pass_write_index: Some(first),
                end_of_pass_write_index: Some(first + 1),
            }),
        })
    }

    /// Submits what was recorded, and has `then` hear how long it took by the host's clock. When that is done, the
    /// timestamps can be read.
    pub(crate) fn submit(
        &self,
        device: &Device,
        mut encoder: wgpu::CommandEncoder,
        then: impl FnOnce(Duration) + Send + 'static,
    ) -> Submitted {
        self.resolve(&mut encoder);
        device.submit(encoder, then)
    }

    /// Adds what brings the timestamps to the host.
    fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        let size = self.readable.size();
        let count = (size / u64::from(wgpu::QUERY_SIZE)) as u32;
        encoder.resolve_query_set(&self.set, 0..count, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.readable, 0, size);
        // A failed mapping shows when the range is taken.
        encoder.map_buffer_on_submit(&self.readable, wgpu::MapMode::Read, .., |_| ());
    }

    /// The timestamps, once that is submitted and done.
    pub(crate) fn read(&self, device: &Device) -> std::result::Result<Vec<u64>, String> {
        let view = self.readable.slice(..).get_mapped_range().map_err(|e| e.to_string())?;
        let ticks = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        device.unmap(&self.readable, "reading timestamps").map_err(|error| error.to_string())?;
        Ok(ticks)
    }

    /// Submits what was recorded, waits on this thread, and gives the timestamps.
    pub(crate) fn wait(
        &self,
        device: &Device,
        encoder: wgpu::CommandEncoder,
    ) -> std::result::Result<Vec<u64>, String> {
        self.submit(device, encoder, |_| ()).wait()?;
        self.read(device)
    }

    /// Seconds of one tick.
    pub(crate) fn tick(device: &Device) -> f64 {
        f64::from(device.queue().get_timestamp_period()) * 1e-9
    }
}

/// Sets of two timestamps that no pass has.
pub(super) type Spare = Arc<Mutex<Vec<Stamps>>>;

/// Sets that are kept: one for each submission that may be under way, and one for the next.
const KEPT: usize = 3;

/// The time of a pass by the adapter's clock.
#[derive(Debug)]
pub(crate) struct Lap(Stamps);

impl Lap {
    /// For a pass that is to be recorded; none where the adapter has no clock that can be read.
    pub(crate) fn new(device: &Device) -> Option<Self> {
        if !device.wgpu().features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let spare = device.laps.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let stamps = spare.unwrap_or_else(|| Stamps::new(device, 2));
        Some(Self(stamps))
    }

    /// The pass.
    pub(crate) fn pass<'a>(&self, encoder: &'a mut wgpu::CommandEncoder) -> wgpu::ComputePass<'a> {
        self.0.pass(encoder, 0)
    }

    /// Adds, after the pass, what brings its time to the host.
    pub(crate) fn end(&self, encoder: &mut wgpu::CommandEncoder) {
        self.0.resolve(encoder);
    }

    /// The time, once the submission is done; none where it cannot be read.
    pub(crate) fn took(self, device: &Device) -> Option<Duration> {
        let ticks = self.0.read(device).ok()?;
        let mut spare = device.laps.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < KEPT {
            spare.push(self.0);
        }
        let passed = ticks[1].checked_sub(ticks[0])?;
        Duration::try_from_secs_f64(passed as f64 * Stamps::tick(device)).ok()
    }
}
