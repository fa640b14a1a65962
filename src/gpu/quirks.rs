//! What is known of drivers and can only be told by their names: nothing that they say of themselves tells it.

use super::AdapterSummary;

impl AdapterSummary {
    /// Whether its compiler takes seconds and hundreds of megabytes for a long kernel, and for some kernels minutes and
    /// gigabytes: Google's SwiftShader. In browsers it is what there is without a GPU, and has no name.
    #[must_use]
    pub fn compiles_slowly(&self) -> bool {
        let in_browser = self.backend == wgpu::Backend::BrowserWebGpu && self.is_software();
        in_browser || self.name.starts_with("SwiftShader")
    }

    /// Whether sums of cooperative matrices come out wrong: NVIDIA's own driver's do (580.159 on an H200), which
    /// shaders/FINDINGS.md tells of. Whoever looks for the cause takes this out.
    pub(crate) fn sums_matrices_wrongly(&self) -> bool {
        self.driver.starts_with("NVIDIA ")
    }

    /// Whether it lists cooperative matrices and crashes when it compiles them: Mesa's lavapipe does for vectors of
    /// other than eight lanes (26.2.6).
    pub(super) fn crashes_on_matrices(&self) -> bool {
        self.is_software() && self.subgroups != Some((8, 8))
    }

    /// Lanes of a vector, 8 or 16, where the compiler of a software adapter makes a load of what is the same for all of
    /// them a single one: Mesa's does since 26.
    pub(crate) fn uniform_loads(&self) -> Option<u32> {
        let [major, _] = mesa_version(&self.driver)?;
        let lanes = if self.subgroups.is_some_and(|(least, _)| least == 16) { 16 } else { 8 };
        (major >= 26).then_some(lanes)
    }
}

/// The release of Mesa that a driver says it is of, such as [26, 2].
pub(crate) fn mesa_version(driver: &str) -> Option<[u32; 2]> {
    let (_, version) = driver.rsplit_once("Mesa ")?;
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::super::adapters::tests::summary;
    use super::*;

    fn driven_by(driver: &str, lanes: u32) -> AdapterSummary {
        let adapter = summary("one", wgpu::Backend::Vulkan, wgpu::DeviceType::Cpu, (1, ""));
        AdapterSummary { driver: driver.to_owned(), subgroups: Some((lanes, lanes)), ..adapter }
    }

    #[test]
    fn drivers_with_uniform_loads() {
        let of = |driver, lanes| driven_by(driver, lanes).uniform_loads();
        assert_eq!(of("llvmpipe Mesa 26.2.6-1 (LLVM 22.1.8)", 8), Some(8));
        assert_eq!(of("llvmpipe Mesa 26.2.6-1 (LLVM 22.1.8)", 16), Some(16));
        for older in ["llvmpipe Mesa 22.3.6 (LLVM 15.0.6)", "llvmpipe Mesa 25.0.7-2 (LLVM 19.1.7)"] {
            assert_eq!(of(older, 8), None);
        }
        assert_eq!(of("SwiftShader driver", 4), None);
    }

    #[test]
    fn drivers_whose_matrices_are_wrong() {
        assert!(driven_by("NVIDIA 580.159.04", 32).sums_matrices_wrongly());
        assert!(!driven_by("NVK Mesa 26.2.6", 32).sums_matrices_wrongly());
    }

    #[test]
    fn compilers_that_are_slow() {
        let named = |name, backend| summary(name, backend, wgpu::DeviceType::Cpu, (1, ""));
        assert!(named("SwiftShader Device (LLVM 10.0.0)", wgpu::Backend::Vulkan).compiles_slowly());
        assert!(named("", wgpu::Backend::BrowserWebGpu).compiles_slowly());
        assert!(!named("llvmpipe", wgpu::Backend::Vulkan).compiles_slowly());
    }
}
