//! Golden tensors.

use std::collections::BTreeMap;

use safetensors::SafeTensors;

use crate::common::golden_path;

/// Shape and f32 values of every tensor of a golden file.
pub struct Golden(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Golden {
    pub fn read(name: &str) -> Self {
        let path = golden_path(name);
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file = SafeTensors::deserialize(&bytes).expect("golden files are safetensors");
        let values = |data: &[u8], size: usize| -> Vec<f32> {
            match size {
                1 => data.iter().map(|&v| f32::from(v)).collect(),
                4 => data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect(),
                _ => data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap()) as f32).collect(),
            }
        };
        let tensor = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
            let elements: usize = view.shape().iter().product();
            (name, (view.shape().to_vec(), values(view.data(), view.data().len() / elements)))
        };
        Self(file.tensors().into_iter().map(tensor).collect())
    }

    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.0.get(name).map(|(_, v)| v.as_slice())
    }

    pub fn values(&self, name: &str) -> &[f32] {
        self.get(name).unwrap_or_else(|| panic!("no golden tensor {name}"))
    }

    pub fn shape(&self, name: &str) -> &[usize] {
        &self.0.get(name).unwrap_or_else(|| panic!("no golden tensor {name}")).0
    }

    /// Rows and columns of an NCHW tensor.
    pub fn sides(&self, name: &str) -> (u32, u32) {
        let shape = self.shape(name);
        (shape[shape.len() - 2] as u32, shape[shape.len() - 1] as u32)
    }
}
