//! `mprnet bench`.

mod kernels;
mod predicted;
mod serve;
mod shader;
mod sweep;
mod tune;

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

/// A tensor by name: its shape and values.
struct Tensor {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Tensor {
    /// Some values, the same every time and of order one.
    fn some(name: &str, shape: &[usize]) -> Tensor {
        let start = name.bytes().map(u32::from).sum::<u32>();
        let count: usize = shape.iter().product();
        let value = |i: u32| ((i * 37 + start) % 101) as f32 / 50.0 - 1.0;
        Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: (0..count as u32).map(value).collect(),
        }
    }

    /// Divided by so much.
    fn less(mut self, divisor: f32) -> Tensor {
        self.values.iter_mut().for_each(|v| *v /= divisor);
        self
    }

    fn read(path: &Path, name: &str) -> Tensor {
        Tensor::read_all(path).into_iter().find(|tensor| tensor.name == name).unwrap()
    }

    fn read_all(path: &Path) -> Vec<Tensor> {
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |(name, view): (String, TensorView<'_>)| {
            let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            Tensor { name, shape: view.shape().to_vec(), values: values.collect() }
        };
        file.tensors().into_iter().map(tensor).collect()
    }
}

fn file(tensors: &[Tensor]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        (&tensor.name, TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).unwrap())
    });
    safetensors::serialize(views, None::<HashMap<String, String>>).unwrap()
}

/// Relative L2 error.
fn error(actual: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(actual.len(), expected.len());
    let square = |v: f64| v * v;
    let norm: f64 = expected.iter().map(|&v| square(f64::from(v))).sum();
    let differences = actual.iter().zip(expected).map(|(&a, &b)| square(f64::from(a) - f64::from(b)));
    (differences.sum::<f64>() / norm).sqrt()
}
