//! The rate at which a probe uses its resource.

use web_time::Instant;

use wgpu::util::{BufferInitDescriptor, DeviceExt};

use super::kernels::{Inputs, Probe};
use crate::gpu::{Clock, Device, Pipeline, Stamps};
use crate::kernels::BindingIndex;
use crate::{Error, Result};

/// How long a dispatch runs at least, where its probe can be as long as one likes: far longer than starting it takes,
/// far shorter than a driver's watchdog.
const ENOUGH: f64 = 10e-3;
/// Dispatches of which the fastest counts: clocks rise in the first ones.
const TRIES: usize = 8;

/// The most that was reached, in what the probe counts, for each second.
pub(super) fn rate(device: &Device, probe: &Probe) -> Result<f64> {
    let pipeline = device.pipelines().get(device, &probe.spec)?;
    let failed =
        |reason| Error::Gpu { during: format!("measuring with {}", probe.spec.shader).into(), reason };
    let [mut workgroups, most] = probe.workgroups;
    let seconds = |workgroups| {
        let timed = device.checked(|| Bound::new(device, probe, &pipeline, workgroups).fastest(device));
        timed.map_err(failed)?.map_err(failed)
    };
    let mut fastest = seconds(workgroups)?;
    while fastest < ENOUGH && workgroups < most {
        workgroups = workgroups.saturating_mul(8).min(most);
        fastest = seconds(workgroups)?;
    }
    Ok(probe.amount * f64::from(workgroups) / fastest.max(1e-9))
}

/// A probe with its buffers.
struct Bound<'a> {
    pipeline: &'a Pipeline,
    group: wgpu::BindGroup,
    workgroups: u32,
}

impl<'a> Bound<'a> {
    fn new(device: &Device, probe: &Probe, pipeline: &'a Pipeline, workgroups: u32) -> Self {
        let (label, usage) = (Some("probe"), wgpu::BufferUsages::STORAGE);
        let empty = |size| {
            let descriptor = wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false };
            device.wgpu().create_buffer(&descriptor)
        };
        let mut buffers = match &probe.inputs {
            Inputs::Filled(contents) => {
                let filled = BufferInitDescriptor { label, contents, usage };
                vec![(BindingIndex::X, device.wgpu().create_buffer_init(&filled))]
            }
            Inputs::Large(size) => vec![(BindingIndex::X, empty(*size)), (BindingIndex::X2, empty(*size))],
        };
        buffers.push((BindingIndex::Dst, empty(probe.output * u64::from(workgroups))));
        let entries = buffers.iter().map(|(slot, buffer)| wgpu::BindGroupEntry {
            binding: *slot as u32,
            resource: buffer.as_entire_binding(),
        });
        let entries: Vec<_> = entries.collect();
        let group = device.wgpu().create_bind_group(&wgpu::BindGroupDescriptor {
            label,
            layout: &pipeline.layout,
            entries: &entries,
        });
        Self { pipeline, group, workgroups }
    }

    fn fastest(&self, device: &Device) -> std::result::Result<f64, String> {
        self.seconds(device)?;
        (0..TRIES).try_fold(f64::INFINITY, |fastest, _| Ok(fastest.min(self.seconds(device)?)))
    }

    /// The time of one dispatch, by the best clock there is.
    fn seconds(&self, device: &Device) -> std::result::Result<f64, String> {
        let mut encoder = device.wgpu().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        if Clock::of(device) == Clock::Wall {
            let start = Instant::now();
            self.record(encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
            device.submit(encoder, |_| ()).wait()?;
            return Ok(start.elapsed().as_secs_f64());
        }
        let stamps = Stamps::new(device, 2);
        self.record(stamps.pass(&mut encoder, 0));
        let ticks = stamps.wait(device, encoder)?;
        let taken =
            ticks[1].checked_sub(ticks[0]).ok_or("the adapter's clock went backwards; measure again")?;
        Ok(taken as f64 * Stamps::tick(device))
    }

    fn record(&self, mut pass: wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(self.workgroups, 1, 1);
    }
}
