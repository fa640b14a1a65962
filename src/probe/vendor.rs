//! Peak figures of vendors, where they are documented: what a probe is held to.

use super::Resource;

/// What a vendor says of an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Vendor {
    /// The adapter's name, as drivers give it.
    pub adapter: &'static str,
    /// TFLOP/s in f32 and in f16 outside of matrix units, and TFLOP/s of f16 matrices summed in f32 without sparsity;
    /// none where the document does not say.
    tera: [Option<f64>; 3],
    /// GB/s of memory.
    memory: f64,
    /// The document.
    pub source: &'static str,
}

const HOPPER: &str = "NVIDIA H100 Tensor Core GPU Architecture, 2022";
const H200: &str = "NVIDIA H200 Tensor Core GPU datasheet, 2024";
const ADA: &str = "NVIDIA Ada GPU Architecture, 2022";
const GA102: &str = "NVIDIA Ampere GA102 GPU Architecture, 2020";
const TURING: &str = "NVIDIA Turing GPU Architecture, 2018, at reference clocks";

#[rustfmt::skip]
const KNOWN: [Vendor; 6] = [
    known("NVIDIA H100 80GB HBM3", [Some(66.9), Some(133.8), Some(989.4)], 3352.0, HOPPER),
    known("NVIDIA H100 PCIe", [Some(51.2), Some(102.4), Some(756.0)], 2039.0, HOPPER),
    known("NVIDIA H200", [Some(67.0), None, Some(989.5)], 4800.0, H200),
    known("NVIDIA GeForce RTX 4090", [Some(82.6), Some(82.6), Some(165.2)], 1008.0, ADA),
    known("NVIDIA GeForce RTX 3090", [Some(35.6), Some(35.6), Some(71.0)], 936.0, GA102),
    known("NVIDIA GeForce RTX 2080 Ti", [Some(13.4), Some(26.9), Some(53.8)], 616.0, TURING),
];

const fn known(adapter: &'static str, tera: [Option<f64>; 3], memory: f64, source: &'static str) -> Vendor {
    Vendor { adapter, tera, memory, source }
}

impl Vendor {
    /// What is known of the adapter of that name: of this very one, since laptop and Ti versions differ.
    #[must_use]
    pub fn of(adapter: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.adapter == adapter.trim())
    }

    /// The figure, in FLOP/s or B/s.
    #[must_use]
    pub fn figure(&self, resource: Resource) -> Option<f64> {
        match resource {
            Resource::F32 => self.tera[0].map(|tera| tera * 1e12),
            Resource::F16 => self.tera[1].map(|tera| tera * 1e12),
            Resource::Matrices => self.tera[2].map(|tera| tera * 1e12),
            Resource::Memory => Some(self.memory * 1e9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_are_known_by_their_whole_name() {
        let memory = |name| Vendor::of(name).and_then(|v| v.figure(Resource::Memory));
        assert_eq!(memory("NVIDIA GeForce RTX 3090"), Some(936e9));
        assert_eq!(memory("NVIDIA GeForce RTX 3090 Ti"), None);
        assert_eq!(memory("llvmpipe (LLVM 15.0.6, 256 bits)"), None);
        assert_eq!(Vendor::of("NVIDIA H200").unwrap().figure(Resource::F16), None);
    }
}
