//! Comparisons and seeded random values for the tests.

use std::path::PathBuf;

use mprnet::graph::{Conv, Graph, KernelSize, Param, ParamId, Patches, Role, TensorDesc};

/// A file under `golden/`.
pub fn golden_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
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
        graph.add_param(Param { name: name.to_owned(), shape: shape.to_vec(), data })
    }

    /// A convolution with random weights, and a bias where asked for.
    pub fn conv(
        &mut self,
        graph: &mut Graph,
        kernel: KernelSize,
        out: usize,
        inner: usize,
        bias: bool,
    ) -> Conv {
        let side = kernel.side() as usize;
        let weight = self.param(graph, "weight", &[out, inner, side, side]);
        let bias = bias.then(|| self.param(graph, "bias", &[out]));
        Conv::new(kernel, weight, bias)
    }
}

pub fn feature(channels: u32, height: u32, width: u32, patches: Patches) -> TensorDesc {
    TensorDesc { channels, height, width, patches, role: Role::Feature }
}
