//! Weights from a seed, the same values as numpy gives `tools/seeded_weights.py`, but for one in ten thousand that is
//! off by a unit in the last place of f32 (numpy's tables are rounded differently): PCG64 (O'Neill 2014) seeded through
//! numpy's SeedSequence, and its 256-layer ziggurat of the normal distribution (Marsaglia and Tsang 2000).

use std::sync::{Arc, OnceLock};

/// Values of one parameter. Every convolution is drawn from N(0, gain^2 / fan_in); slopes are 0.2.
pub(super) fn values(key: &str, shape: &[usize], seed: u32) -> Arc<[f32]> {
    if shape == [1] {
        return Arc::from([0.2]);
    }
    let elements = shape.iter().product();
    let mut rng = Pcg64::new(&[seed, crc32(key.as_bytes())]);
    if let [_] = shape {
        return (0..elements).map(|_| (0.05 * rng.normal()) as f32).collect();
    }
    let fan_in: usize = shape[1..].iter().product();
    let (gain, root) = (gain(key, shape), (fan_in as f64).sqrt());
    (0..elements).map(|_| (rng.normal() * gain / root) as f32).collect()
}

/// Values of a parameter that is none of a network's: of order one, and of convolutions such that sums are.
pub(crate) fn normal_values(key: &str, shape: &[usize]) -> Arc<[f32]> {
    values(key, shape, 0)
}

/// Gains that keep the residual of stage 3 of order one, so that an error in any layer shows in the output.
fn gain(key: &str, shape: &[usize]) -> f64 {
    let closing = key.contains(".orb") && !key.contains("CA") && key.matches('.').count() == 4;
    let sam_image = key.starts_with("sam") && key.ends_with(".conv2.weight");
    let shallow = key.starts_with("shallow_feat") && key.ends_with(".0.weight") && shape[2] == 3;
    if key.contains(".body.0.") {
        1.3
    } else if key.contains(".body.2.") {
        0.45
    } else if closing {
        0.5
    } else if key.contains("conv_du") {
        4.0
    } else if key.starts_with("stage3_orsnet.conv_") || key.contains(".csff_") {
        0.6
    } else if key.starts_with("tail") {
        0.12
    } else if sam_image {
        0.2
    } else if shallow {
        1.5
    } else {
        1.0
    }
}

/// CRC-32 (IEEE 802.3), as zlib's.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| if c & 1 == 1 { c >> 1 ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

/// numpy's SeedSequence with a pool of four words: entropy in, `N` words of state out.
fn seed_sequence<const N: usize>(entropy: &[u32]) -> [u32; N] {
    let mut hash = 0x43b0_d7e5_u32;
    let mut mix_in = |value: u32| {
        let mut v = value ^ hash;
        hash = hash.wrapping_mul(0x931e_8875);
        v = v.wrapping_mul(hash);
        v ^ v >> 16
    };
    let mix = |x: u32, y: u32| {
        let v = x.wrapping_mul(0xca01_f9dd).wrapping_sub(y.wrapping_mul(0x4973_f715));
        v ^ v >> 16
    };
    let mut pool: [u32; 4] = std::array::from_fn(|i| mix_in(entropy.get(i).copied().unwrap_or(0)));
    for source in 0..4 {
        for target in (0..4).filter(|&t| t != source) {
            pool[target] = mix(pool[target], mix_in(pool[source]));
        }
    }
    let mut hash = 0x8b51_f9dd_u32;
    std::array::from_fn(|i| {
        let mut v = pool[i % 4] ^ hash;
        hash = hash.wrapping_mul(0x58f3_8ded);
        v = v.wrapping_mul(hash);
        v ^ v >> 16
    })
}

/// PCG XSL-RR 128/64.
struct Pcg64 {
    state: u128,
    increment: u128,
}

impl Pcg64 {
    const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

    fn new(entropy: &[u32]) -> Self {
        let words: [u32; 8] = seed_sequence(entropy);
        let wide = |i: usize| u128::from(words[2 * i]) | u128::from(words[2 * i + 1]) << 32;
        let (state, increment) = (wide(0) << 64 | wide(1), (wide(2) << 64 | wide(3)) << 1 | 1);
        let mut rng = Self { state: 0, increment };
        rng.step();
        rng.state = rng.state.wrapping_add(state);
        rng.step();
        rng
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(Self::MULTIPLIER).wrapping_add(self.increment);
    }

    fn next(&mut self) -> u64 {
        self.step();
        ((self.state >> 64) as u64 ^ self.state as u64).rotate_right((self.state >> 122) as u32)
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        let table = Ziggurat::get();
        loop {
            let bits = self.next();
            let layer = (bits & 255) as usize;
            let magnitude = bits >> 9 & 0x000f_ffff_ffff_ffff;
            let sign = if bits >> 8 & 1 == 1 { -1.0 } else { 1.0 };
            let x = magnitude as f64 * table.width[layer];
            if magnitude < table.inside[layer] {
                return sign * x;
            }
            if layer == 0 {
                return self.tail(magnitude);
            }
            let (above, below) = (table.density[layer - 1], table.density[layer]);
            if (above - below) * self.uniform() + below < (-0.5 * x * x).exp() {
                return sign * x;
            }
        }
    }

    fn tail(&mut self, magnitude: u64) -> f64 {
        loop {
            let x = -(-self.uniform()).ln_1p() / Ziggurat::EDGE;
            let y = -(-self.uniform()).ln_1p();
            if y + y > x * x {
                let x = Ziggurat::EDGE + x;
                return if magnitude >> 8 & 1 == 1 { -x } else { x };
            }
        }
    }
}

/// Layers of equal area under exp(-x^2 / 2), from their closed form.
struct Ziggurat {
    inside: [u64; 256],
    width: [f64; 256],
    density: [f64; 256],
}

impl Ziggurat {
    /// Where the tail begins, for 256 layers.
    const EDGE: f64 = 3.654_152_885_361_009;
    /// Area of each layer.
    const AREA: f64 = 0.004_928_673_233_992_336;

    fn get() -> &'static Self {
        static TABLE: OnceLock<Ziggurat> = OnceLock::new();
        TABLE.get_or_init(|| {
            let density = |x: f64| (-0.5 * x * x).exp();
            let scale = (1_u64 << 52) as f64;
            let mut table = Self { inside: [0; 256], width: [0.0; 256], density: [0.0; 256] };
            let base = Self::AREA / density(Self::EDGE);
            table.inside[0] = (Self::EDGE / base * scale) as u64;
            table.width[0] = base / scale;
            table.density[0] = 1.0;
            table.width[255] = Self::EDGE / scale;
            table.density[255] = density(Self::EDGE);
            let mut outer = Self::EDGE;
            for layer in (1..255).rev() {
                let x = (-2.0 * (Self::AREA / outer + density(outer)).ln()).sqrt();
                table.inside[layer + 1] = (x / outer * scale) as u64;
                table.width[layer] = x / scale;
                table.density[layer] = density(x);
                outer = x;
            }
            table.inside[1] = 0;
            table
        })
    }
}
