//! What an adapter is and can do.

use super::{Maker, vendor};

/// What an adapter is and can do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdapterSummary {
    /// The adapter's name.
    pub name: String,
    /// Who made it.
    pub maker: Maker,
    /// Vulkan, Metal, Dx12, Gl, BrowserWebGpu or Noop.
    pub backend: wgpu::Backend,
    /// Discrete, integrated, virtual or CPU.
    pub device_type: wgpu::DeviceType,
    /// What its maker is to its backend, which is PCI's number of it for most, and the maker's number of the model.
    pub ids: (u32, u32),
    /// Its place on the PCI bus, as in 0000:01:00.0; empty where the backend does not tell.
    pub pci_bus: String,
    /// The driver and its version.
    pub driver: String,
    /// Whether shaders have 16-bit floats.
    pub f16: bool,
    /// Whether shaders have subgroup operations, and the range of subgroup sizes.
    pub subgroups: Option<(u32, u32)>,
    /// The shapes and types that cooperative matrices can have.
    pub cooperative_matrices: Vec<wgpu::CooperativeMatrixProperties>,
    /// The adapter's limits; those that it was opened with, where a host program did.
    pub limits: wgpu::Limits,
}

impl AdapterSummary {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let cooperative_matrices = adapter.cooperative_matrix_properties();
        let told = Self::told(adapter.get_info(), adapter.features(), adapter.limits());
        Self { cooperative_matrices, ..told }
    }

    /// Of the adapter of a device that the host program has opened, as far as the device may use it. A device does not
    /// tell which matrices it has.
    pub(super) fn of_device(device: &wgpu::Device) -> Self {
        Self::told(device.adapter_info(), device.features(), device.limits()).made_by_vendor_of(device)
    }

    fn told(info: wgpu::AdapterInfo, features: wgpu::Features, limits: wgpu::Limits) -> Self {
        Self {
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            maker: Maker::of(&info),
            name: info.name,
            backend: info.backend,
            device_type: info.device_type,
            ids: (info.vendor, info.device),
            pci_bus: info.device_pci_bus_id,
            f16: features.contains(wgpu::Features::SHADER_F16),
            subgroups: features
                .contains(wgpu::Features::SUBGROUP)
                .then_some((info.subgroup_min_size, info.subgroup_max_size)),
            cooperative_matrices: Vec::new(),
            limits,
        }
    }

    /// With the maker that a browser names once a device is open: wgpu passes that name over.
    pub(super) fn made_by_vendor_of(self, device: &wgpu::Device) -> Self {
        let maker = vendor::name(device).map_or(self.maker, |name| Maker::named(&name));
        Self { maker, ..self }
    }

    /// Whether shaders run on the CPU.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.device_type == wgpu::DeviceType::Cpu
    }

    /// Sides of the square cooperative matrices that take f16 and sum in f32; none where the driver crashes on them.
    pub(crate) fn matrices(&self) -> Vec<u32> {
        use wgpu::CooperativeScalarType::{F16, F32};
        if self.crashes_on_matrices() {
            return Vec::new();
        }
        let square = |c: &&wgpu::CooperativeMatrixProperties| {
            (c.n_size, c.k_size) == (c.m_size, c.m_size) && (c.ab_type, c.cr_type) == (F16, F32)
        };
        self.cooperative_matrices.iter().filter(square).map(|c| c.m_size).collect()
    }

    /// Whether two backends list the same hardware here. Layers that make one API of another have its numbers, and
    /// neither its name nor its place. Backends may number a maker differently, and then its models too.
    pub(super) fn is_same_hardware(&self, other: &Self) -> bool {
        let told = !self.pci_bus.is_empty() && !other.pci_bus.is_empty();
        let same = if told { self.pci_bus == other.pci_bus } else { self.name == other.name };
        let known = self.maker != Maker::Other;
        same && (self.ids == other.ids || known && self.maker == other.maker)
    }
}

#[cfg(test)]
mod tests {
    use wgpu::DeviceType::{Cpu, DiscreteGpu};

    use super::super::adapters::tests::summary;
    use super::*;

    #[test]
    fn matrices_on_a_cpu_are_for_eight_lanes() {
        use wgpu::CooperativeScalarType::{F16, F32};
        let (m_size, n_size, k_size, saturating_accumulation) = (8, 8, 8, false);
        let sums = |cr_type| wgpu::CooperativeMatrixProperties {
            m_size,
            n_size,
            k_size,
            ab_type: F16,
            cr_type,
            saturating_accumulation,
        };
        let on = |device_type, lanes| AdapterSummary {
            subgroups: Some((lanes, lanes)),
            cooperative_matrices: vec![sums(F16), sums(F32)],
            ..summary("one", wgpu::Backend::Vulkan, device_type, (1, ""))
        };
        assert_eq!([8, 16, 4].map(|lanes| on(Cpu, lanes).matrices()), [vec![8], vec![], vec![]]);
        assert_eq!(on(DiscreteGpu, 32).matrices(), [8]);
    }

    /// DXGI numbers Adreno by what ACPI calls its maker, and its models otherwise than Vulkan does.
    #[test]
    fn one_adreno_that_two_backends_number_differently() {
        let listed = |backend, ids, maker| AdapterSummary {
            maker,
            ids,
            ..summary("Adreno X1-85", backend, wgpu::DeviceType::IntegratedGpu, (0, ""))
        };
        let vulkan = listed(wgpu::Backend::Vulkan, (0x5143, 0x4305_0c01), Maker::Qualcomm);
        let dx12 = listed(wgpu::Backend::Dx12, (0x4d4f_4351, 0x3633_4330), Maker::Qualcomm);
        assert!(vulkan.is_same_hardware(&dx12) && dx12.is_same_hardware(&vulkan));
        assert!(!vulkan.is_same_hardware(&AdapterSummary { name: "Dozen".to_owned(), ..dx12.clone() }));
        // Nothing is known of two that nobody is known to have made.
        let unknown = |it: &AdapterSummary| AdapterSummary { maker: Maker::Other, ..it.clone() };
        assert!(!unknown(&vulkan).is_same_hardware(&unknown(&dx12)));
        assert_eq!(super::super::several(&[vulkan, dx12], "all").unwrap(), [0]);
    }
}
