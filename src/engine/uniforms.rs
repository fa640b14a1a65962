//! The uniforms of dispatches: a table as long as the longest band's, written anew as each band begins.

use std::ops::Range;

use crate::Result;
use crate::gpu::{Device, Owned};
use crate::kernels::Params;

/// The uniforms of all dispatches, and the table that holds one band's.
pub(super) struct Uniforms {
    all: Vec<Params>,
    /// The dispatches of each band.
    bands: Vec<Range<usize>>,
    /// Bytes from one dispatch's to the next one's.
    stride: u64,
    table: Owned,
    /// The band that the table is written for.
    written: Option<usize>,
}

impl Uniforms {
    pub(super) fn new(
        device: &Device,
        all: Vec<Params>,
        bands: Vec<Range<usize>>,
        stride: u64,
    ) -> Result<Self> {
        let size = table_bytes(&bands, stride);
        let table = device.checked_for("binding tensors", size, || {
            let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
            let (label, mapped_at_creation) = (Some("uniforms"), false);
            Owned::new(device.wgpu(), &wgpu::BufferDescriptor { label, size, usage, mapped_at_creation })
        })?;
        Ok(Self { all, bands, stride, table, written: None })
    }

    /// Bytes of the table, and of what it is written through.
    pub(super) fn bytes(&self) -> u64 {
        2 * self.table.size()
    }

    /// What a dispatch binds, by its place among its band's.
    pub(super) fn binding(&self, place: usize) -> wgpu::BufferBinding<'_> {
        let size = std::num::NonZeroU64::new(size_of::<Params>() as u64);
        wgpu::BufferBinding { buffer: &self.table, offset: place as u64 * self.stride, size }
    }

    /// Has the next submission write a band's to the table, where they are not there. What was submitted before still
    /// reads its own.
    pub(super) fn write(&mut self, device: &Device, band: usize) -> Result<()> {
        if self.written == Some(band) {
            return Ok(());
        }
        self.written = None;
        let stride = self.stride as usize;
        let band_uniforms = &self.all[self.bands[band].clone()];
        let mut bytes = vec![0_u8; band_uniforms.len() * stride];
        for (params, entry) in band_uniforms.iter().zip(bytes.chunks_exact_mut(stride)) {
            entry[..size_of::<Params>()].copy_from_slice(bytemuck::bytes_of(params));
        }
        let writing = || device.queue().write_buffer(&self.table, 0, &bytes);
        device.checked_for("binding tensors", bytes.len() as u64, writing)?;
        self.written = Some(band);
        Ok(())
    }
}

/// Bytes of the table that the longest band takes.
pub(super) fn table_bytes(bands: &[Range<usize>], stride: u64) -> u64 {
    bands.iter().map(|band| band.len() as u64).max().unwrap_or(0).max(1) * stride
}
