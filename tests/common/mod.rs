//! Golden tensors, comparisons and seeded random values for the tests.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mprnet::graph::{Conv, Graph, Kernel, Param, ParamId, Patches, Role, TensorDesc};
use safetensors::SafeTensors;

/// A file under `golden/`.
pub fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

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

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
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

/// Relative L2 error ||a - b|| / ||b||, infinite where lengths differ or a value is not finite.
pub fn relative_l2(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() || a.iter().chain(b).any(|v| !v.is_finite()) {
        return f64::INFINITY;
    }
    let square = |v: f64| v * v;
    let error: f64 = a.iter().zip(b).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    let norm: f64 = b.iter().map(|&b| square(f64::from(b))).sum();
    if norm == 0.0 { if error == 0.0 { 0.0 } else { f64::INFINITY } } else { (error / norm).sqrt() }
}

#[track_caller]
pub fn assert_close(what: &str, actual: &[f32], expected: &[f32], bound: f64) {
    let error = relative_l2(actual, expected);
    // Seen with `cargo test -- --nocapture`: how far below its bound a comparison stays.
    println!("{what}: {error:.2e}");
    assert!(error <= bound, "{what}: relative L2 error {error:.3e} exceeds {bound:.1e}");
}

/// What a network adds to its input: errors show there that vanish beside the photo.
pub fn residual(image: &[f32], input: &[f32]) -> Vec<f32> {
    image.iter().zip(input).map(|(v, i)| v - i).collect()
}

/// Compares a tensor of a network; of a stage's image, at the input's size, its residual.
#[track_caller]
pub fn assert_tensor(what: &str, role: Role, actual: &[f32], expected: &[f32], input: &[f32], bound: f64) {
    if role == Role::Image && actual.len() == input.len() {
        assert_close(what, &residual(actual, input), &residual(expected, input), bound);
    } else {
        assert_close(what, actual, expected, bound);
    }
}

/// A small generator of values in [-1, 1] (xorshift64*), so that every case is the same everywhere.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn below(&mut self, limit: u32) -> u32 {
        (f64::midpoint(f64::from(self.next()), 1.0) * f64::from(limit)).min(f64::from(limit - 1)) as u32
    }

    pub fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }

    /// A parameter scaled so that sums stay of order one.
    pub fn param(&mut self, graph: &mut Graph, name: &str, shape: &[usize]) -> ParamId {
        let fan_in: usize = shape[1..].iter().product::<usize>().max(1);
        let data = self.values(shape.iter().product()).iter().map(|v| v / (fan_in as f32).sqrt()).collect();
        graph.param(Param { name: name.to_owned(), shape: shape.to_vec(), data })
    }

    /// A convolution with random weights, and a bias where asked for.
    pub fn conv(&mut self, graph: &mut Graph, kernel: Kernel, out: usize, inner: usize, bias: bool) -> Conv {
        let side = kernel.side() as usize;
        let weight = self.param(graph, "weight", &[out, inner, side, side]);
        let bias = bias.then(|| self.param(graph, "bias", &[out]));
        Conv::new(kernel, weight, bias)
    }
}

pub fn feature(channels: u32, height: u32, width: u32, patches: Patches) -> TensorDesc {
    TensorDesc { channels, height, width, patches, role: Role::Feature }
}
