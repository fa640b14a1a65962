//! Shaders are linked, not templated: a [`KernelSpec`] names plain WGSL files, and variation is which file supplies a
//! name (`parts/in_f32` or `parts/in_f16` the type and widening of an input, and so on), and a few constants.

use std::fmt::Write;

use super::reached::reached;
use super::shaders;
use crate::{Error, Result};

/// Texels in a row of an image of weights, as `shaders/parts/weight_f32_texel.wgsl` has it: so many that no layer takes
/// more rows than the 8,192 that WebGPU guarantees.
pub const TEXEL_COLUMNS: u32 = 4096;

/// How a tensor's quads are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// `vec4<f32>`.
    F32,
    /// `vec4<f16>`, where the adapter has 16-bit types.
    F16,
    /// Two f16 in each 32-bit word, anywhere.
    F16Packed,
}

impl Storage {
    /// The suffix of the parts that supply it.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::F16Packed => "f16_packed",
        }
    }
}

/// What one pipeline is made of. Sizes that only matter for addressing are uniforms, so that an image's size makes no
/// new pipeline; a number of channels makes one only where registers or workgroup memory are sized by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KernelSpec {
    /// The operator's shader.
    pub shader: &'static str,
    /// The parts it is linked with, besides `params` and `halves`.
    pub parts: Vec<String>,
    /// Constants that size registers or workgroup memory, or leave out what a layer has no use for.
    pub constants: Vec<(&'static str, u32)>,
}

impl KernelSpec {
    /// A shader and its parts.
    #[must_use]
    pub fn new(shader: &'static str, parts: &[&str]) -> Self {
        Self { shader, parts: parts.iter().map(|&p| p.to_owned()).collect(), constants: Vec::new() }
    }

    /// With the part that stores `binding` (`in`, `out`, `res` or `weight`) that way.
    #[must_use]
    pub fn stored(mut self, binding: &str, storage: Storage) -> Self {
        self.parts.push(format!("{binding}_{}", storage.suffix()));
        self
    }

    /// With the part that moves two quads of f16 of `binding` at once.
    #[must_use]
    pub fn stored_two(mut self, binding: &str) -> Self {
        self.parts.push(format!("{binding}_f16_two"));
        self
    }

    /// With a constant.
    #[must_use]
    pub fn constant(mut self, name: &'static str, value: u32) -> Self {
        self.constants.push((name, value));
        self
    }

    /// For a compiler that makes a load from a buffer a loop over lanes: f32 moved in words of 64 bits, which is the
    /// same bytes by half as many words, and f32 weights read as texels.
    #[must_use]
    pub fn for_lane_loops(mut self) -> Self {
        let moved = |p: &&mut String| *p == "pair" || ["in_f32", "out_f32", "res_f32"].contains(&p.as_str());
        let mut any = false;
        for part in self.parts.iter_mut().filter(moved) {
            part.push_str("_wide");
            any = true;
        }
        if any {
            self.parts.push("wide".to_owned());
        }
        if let Some(weights) = self.parts.iter_mut().find(|p| *p == "weight_f32") {
            weights.push_str("_texel");
        }
        self
    }

    /// Whether its weights are the texels of an image, in rows of [`TEXEL_COLUMNS`].
    #[must_use]
    pub fn weight_texels(&self) -> bool {
        self.parts.iter().any(|p| p == "weight_f32_texel")
    }

    /// Whether it needs 64-bit integers.
    #[must_use]
    pub fn int64(&self) -> bool {
        self.parts.iter().any(|p| p == "wide")
    }

    /// Whether it needs 16-bit types.
    #[must_use]
    pub fn native_f16(&self) -> bool {
        self.matrices() || self.parts.iter().any(|p| p.ends_with("_f16"))
    }

    /// Whether it needs subgroup operations.
    #[must_use]
    pub fn subgroups(&self) -> bool {
        let needs = |p: &String| {
            ["octet_broadcast", "row_subgroup", "spread_shuffle", "lanes_subgroup", "tiles_broadcast"]
                .contains(&p.as_str())
        };
        self.matrices() || self.parts.iter().any(needs)
    }

    /// Whether it needs cooperative matrices.
    #[must_use]
    pub fn matrices(&self) -> bool {
        self.parts.iter().any(|p| p.starts_with("matrix_"))
    }

    /// Its name in listings and errors: the shader and what distinguishes it.
    #[must_use]
    pub fn name(&self) -> String {
        let constants = self.constants.iter().map(|(name, value)| format!("{name}={value}"));
        let parts: Vec<String> = self.parts.iter().cloned().chain(constants).collect();
        format!("{} [{}]", self.shader, parts.join(" "))
    }

    /// The WGSL of the whole module: of the shader and its parts, what the entry point reaches.
    ///
    /// # Errors
    /// [`Error::Shader`] where a named part does not exist.
    pub fn link(&self) -> Result<String> {
        let shader = self.source(self.shader)?;
        Ok(self.directives("\n") + &reached(&(self.supplied()? + shader + "\n")))
    }

    /// The module with another text in place of the operator's shader. It comes first, where compilers count its lines
    /// as its author does.
    pub(super) fn link_replaced(&self, shader: &str) -> Result<String> {
        Ok(self.directives(" ") + shader + "\n" + &self.supplied()?)
    }

    /// What has to stand before everything else.
    fn directives(&self, end: &str) -> String {
        let mut text = String::new();
        for (needed, name) in [(self.native_f16(), "f16"), (self.matrices(), "wgpu_cooperative_matrix")] {
            if needed {
                let _ = write!(text, "enable {name};{end}");
            }
        }
        text
    }

    /// Constants and parts.
    fn supplied(&self) -> Result<String> {
        let mut text = String::new();
        for (name, value) in &self.constants {
            let _ = writeln!(text, "const {name}: i32 = {value};");
        }
        // Linked always; what is not reached is dropped.
        for part in ["params", "halves"].into_iter().chain(self.parts.iter().map(String::as_str)) {
            text.push_str(self.source(&format!("parts/{part}"))?);
            text.push('\n');
        }
        Ok(text)
    }

    fn source(&self, name: &str) -> Result<&'static str> {
        let missing = || Error::Shader { kernel: self.name(), reason: format!("there is no part {name}") };
        shaders::source(name).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_texels_are_as_long_as_the_shader_takes_them() {
        let text = KernelSpec::new("attention", &["weight_f32_texel"]).link().unwrap();
        assert!(text.contains(&format!("const COLUMNS: u32 = {TEXEL_COLUMNS}u;")));
    }
}
