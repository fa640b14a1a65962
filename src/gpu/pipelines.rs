//! Pipelines, made once per kernel and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Device, KernelSpec, trusted};
use crate::{Error, Result};

/// A compiled kernel.
#[derive(Debug)]
pub struct Pipeline {
    /// The pipeline.
    pub pipeline: wgpu::ComputePipeline,
    /// The layout of its one bind group.
    pub layout: wgpu::BindGroupLayout,
}

/// The pipelines of a device.
#[derive(Debug, Default)]
pub struct Pipelines {
    made: Mutex<HashMap<KernelSpec, Arc<Pipeline>>>,
}

impl Pipelines {
    /// The pipeline of a kernel, made at the first call.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's text.
    pub fn get(&self, device: &Device, spec: &KernelSpec) -> Result<Arc<Pipeline>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = made.get(spec) {
            return Ok(Arc::clone(found));
        }
        let pipeline = Arc::new(make(device, spec)?);
        made.insert(spec.clone(), Arc::clone(&pipeline));
        Ok(pipeline)
    }

    /// How many distinct kernels have been compiled.
    #[must_use]
    pub fn len(&self) -> usize {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn make(device: &Device, spec: &KernelSpec) -> Result<Pipeline> {
    let name = spec.name();
    let source = spec.link()?;
    let wgpu = device.wgpu();
    device
        .checked(|| {
            let source = wgpu::ShaderSource::Wgsl(source.into());
            let descriptor = wgpu::ShaderModuleDescriptor { label: Some(&name), source };
            let module = if device.checks_shaders() {
                wgpu.create_shader_module(descriptor)
            } else {
                trusted::module(wgpu, descriptor)
            };
            // Every buffer is written in full before it is read, and workgroup memory before each barrier.
            let options = wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            };
            let pipeline = wgpu.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&name),
                layout: None,
                module: &module,
                entry_point: Some("main"),
                compilation_options: options,
                cache: None,
            });
            let layout = pipeline.get_bind_group_layout(0);
            Pipeline { pipeline, layout }
        })
        .map_err(|reason| Error::Shader { kernel: name.clone(), reason })
}
