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
    let replaced = device.replaced(spec.shader);
    let source = replaced.map_or_else(|| spec.link(), |text| spec.link_replaced(text))?;
    // What comes from elsewhere may loop without end and reach anywhere.
    let checked = replaced.is_some() || device.checks_shaders();
    let wgpu = device.wgpu();
    device
        .checked(|| {
            let source = wgpu::ShaderSource::Wgsl(source.into());
            let descriptor = wgpu::ShaderModuleDescriptor { label: Some(&name), source };
            let module = if checked {
                wgpu.create_shader_module(descriptor)
            } else {
                trusted::module(wgpu, descriptor)
            };
            // The crate's shaders write workgroup memory in full before each barrier.
            let options = wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: replaced.is_some(),
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
