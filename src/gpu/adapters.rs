//! Adapters: what each is and can do, the order that they are tried in, and the one that is meant.

use super::{DeviceOptions, dxc};
use crate::{Error, Result};

/// Of the memory that the system grants this program on an adapter (`VK_EXT_memory_budget`, DXGI), what it takes at
/// most: beyond it allocations fail, as they would not by themselves.
const BUDGET_PERCENT: u8 = 95;

/// What an adapter is and can do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdapterSummary {
    /// The adapter's name.
    pub name: String,
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
    /// The adapter's limits.
    pub limits: wgpu::Limits,
}

/// The driver and its version, as far as the backend tells them.
pub(crate) fn driver(info: &wgpu::AdapterInfo) -> String {
    format!("{} {}", info.driver, info.driver_info).trim().to_owned()
}

impl AdapterSummary {
    pub(super) fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let features = adapter.features();
        Self {
            driver: driver(&info),
            name: info.name,
            backend: info.backend,
            device_type: info.device_type,
            ids: (info.vendor, info.device),
            pci_bus: info.device_pci_bus_id,
            f16: features.contains(wgpu::Features::SHADER_F16),
            subgroups: features
                .contains(wgpu::Features::SUBGROUP)
                .then_some((info.subgroup_min_size, info.subgroup_max_size)),
            cooperative_matrices: adapter.cooperative_matrix_properties(),
            limits: adapter.limits(),
        }
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
    /// neither its name nor its place.
    fn is_same_hardware(&self, other: &Self) -> bool {
        let told = !self.pci_bus.is_empty() && !other.pci_bus.is_empty();
        let same = if told { self.pci_bus == other.pci_bus } else { self.name == other.name };
        self.ids == other.ids && same
    }

    fn kind(&self) -> u8 {
        match self.device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        }
    }
}

/// Adapters as wgpu has them, and what they are.
pub(super) type Candidates = Vec<(wgpu::Adapter, AdapterSummary)>;

/// Every adapter that can run compute shaders, in the order that indices refer to.
#[must_use]
pub fn adapters() -> Vec<AdapterSummary> {
    pollster::block_on(usable()).into_iter().map(|(_, summary)| summary).collect()
}

/// The index in what [`adapters`] has found of the one that [`Device::new`](super::Device::new) opens.
///
/// # Errors
/// [`Error::NoAdapter`] or [`Error::UnknownDevice`].
pub fn chosen(found: &[AdapterSummary], options: &DeviceOptions) -> Result<usize> {
    position(found, options.device.as_deref())
}

/// The indices of those that a list such as `0,1` names, each once; `all` is every GPU, by the first of the backends
/// that list it, and where there is none every software adapter. The whole text is a name before it is a list: names
/// have commas.
///
/// # Errors
/// [`Error::NoAdapter`] or [`Error::UnknownDevice`].
pub fn several(found: &[AdapterSummary], text: &str) -> Result<Vec<usize>> {
    if text == "all" {
        let gpus: Vec<usize> = (0..found.len()).filter(|&i| !found[i].is_software()).collect();
        let listed_before = |i: usize| {
            let again =
                |one: &AdapterSummary| one.backend != found[i].backend && one.is_same_hardware(&found[i]);
            found[..i].iter().any(again)
        };
        let all = if gpus.is_empty() { (0..found.len()).collect() } else { gpus };
        let all: Vec<usize> = all.into_iter().filter(|&i| !listed_before(i)).collect();
        return if all.is_empty() { Err(Error::NoAdapter) } else { Ok(all) };
    }
    if let Ok(one) = position(found, Some(text.trim())) {
        return Ok(vec![one]);
    }
    let named = text.split(',').map(|name| position(found, Some(name.trim())));
    let mut seen = std::collections::BTreeSet::new();
    let mut indices = named.collect::<Result<Vec<_>>>()?;
    indices.retain(|&index| seen.insert(index));
    Ok(indices)
}

/// Adapters of the backends that `WGPU_BACKEND` names; else of Vulkan, Metal and DX12; else of OpenGL, which lists
/// the same hardware again with less of what it can do.
pub(super) async fn usable() -> Candidates {
    if let Some(named) = wgpu::Backends::from_env() {
        return enumerate(named).await;
    }
    let primary = enumerate(wgpu::Backends::PRIMARY).await;
    if primary.is_empty() { enumerate(wgpu::Backends::SECONDARY).await } else { primary }
}

async fn enumerate(backends: wgpu::Backends) -> Candidates {
    let mut found = listed(backends, None).await;
    if dxc::may_hide_some(backends, found.iter().map(|(_, summary)| summary))
        && let Some(dll) = dxc::found()
    {
        let hidden = listed(wgpu::Backends::DX12, Some(wgpu::Dx12Compiler::Fxc)).await;
        if !hidden.is_empty() {
            dxc::pass_over(&dll);
            found.retain(|(_, summary)| summary.backend != wgpu::Backend::Dx12);
            found.extend(hidden);
        }
    }
    let ranks = ranks(&found.iter().map(|(_, summary)| summary).collect::<Vec<_>>());
    let mut ranked: Vec<_> = ranks.into_iter().zip(found).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, candidate)| candidate).collect()
}

/// What wgpu lists, with another compiler of DX12 than it would choose.
async fn listed(backends: wgpu::Backends, compiler: Option<wgpu::Dx12Compiler>) -> Candidates {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = backends;
    // What passes the budget would push other programs' memory out, and be slower than any way of needing less.
    descriptor.memory_budget_thresholds.for_resource_creation = Some(BUDGET_PERCENT);
    if let Some(compiler) = compiler {
        descriptor.backend_options.dx12.shader_compiler = compiler;
    }
    let instance = wgpu::Instance::new(descriptor);
    // A browser has one adapter for who asks, and of a laptop's two the weaker one for who does not say.
    let strong = wgpu::RequestAdapterOptions {
        power_preference: wgpu::PowerPreference::HighPerformance,
        ..Default::default()
    };
    let found = if cfg!(target_family = "wasm") {
        instance.request_adapter(&strong).await.into_iter().collect()
    } else {
        instance.enumerate_adapters(backends).await
    };
    let computes = |a: &wgpu::Adapter| {
        a.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
    };
    let summarized = |a: wgpu::Adapter| {
        let summary = AdapterSummary::of(&a);
        (a, summary)
    };
    found.into_iter().filter(computes).map(summarized).collect()
}

/// The same adapter of DX12 with the compiler that Windows has: for when it could not be opened, and a
/// `dxcompiler.dll` may be why.
pub(super) async fn without_dxc(meant: &AdapterSummary) -> Option<(wgpu::Adapter, AdapterSummary)> {
    let dll = Some(()).filter(|()| meant.backend == wgpu::Backend::Dx12).and_then(|()| dxc::found())?;
    let candidates = listed(wgpu::Backends::DX12, Some(wgpu::Dx12Compiler::Fxc)).await;
    let same = candidates.into_iter().find(|(_, summary)| summary.is_same_hardware(meant))?;
    dxc::pass_over(&dll);
    Some(same)
}

/// Sorts adapters: GPUs of their own before those of processors, and software last; then OpenGL, then as they are
/// listed. DX12 comes right after Vulkan on the same hardware, whatever each calls it: there nothing that is compiled
/// can be remembered, and without `dxcompiler.dll` compiling takes many times as long.
fn ranks(adapters: &[&AdapterSummary]) -> Vec<(u8, bool, usize, bool)> {
    let by_vulkan = |a: &&AdapterSummary| {
        let twin = |v: &&AdapterSummary| v.backend == wgpu::Backend::Vulkan && v.is_same_hardware(a);
        adapters.iter().position(twin).filter(|_| a.backend == wgpu::Backend::Dx12)
    };
    let rank = |(index, adapter): (usize, &&AdapterSummary)| {
        let twin = by_vulkan(adapter);
        let first = twin.unwrap_or(index);
        (adapters[first].kind(), adapter.backend == wgpu::Backend::Gl, first, twin.is_some())
    };
    adapters.iter().enumerate().map(rank).collect()
}

/// The adapter of that index or name; else the one that `WGPU_ADAPTER_NAME` names, else the first.
pub(super) fn select(candidates: Candidates, named: Option<&str>) -> Result<(wgpu::Adapter, AdapterSummary)> {
    let (adapters, summaries): (Vec<_>, Vec<_>) = candidates.into_iter().unzip();
    let at = position(&summaries, named)?;
    adapters.into_iter().zip(summaries).nth(at).ok_or(Error::NoAdapter)
}

fn position(found: &[AdapterSummary], named: Option<&str>) -> Result<usize> {
    if found.is_empty() {
        return Err(Error::NoAdapter);
    }
    let named = named
        .map(str::to_owned)
        .or_else(|| std::env::var("WGPU_ADAPTER_NAME").ok().filter(|n| !n.is_empty()));
    let Some(wanted) = named else { return Ok(0) };
    let lower = wanted.to_lowercase();
    // A number may be an index, or the model in a name.
    let index = wanted.parse::<usize>().ok().filter(|&index| index < found.len());
    let position = index.or_else(|| found.iter().position(|s| s.name.to_lowercase().contains(&lower)));
    let listed = found.iter().enumerate().map(|(index, summary)| format!("{index}: {}", summary.name));
    let known = || listed.collect::<Vec<_>>().join(", ");
    position.ok_or_else(|| Error::UnknownDevice { wanted, known: known() })
}

#[cfg(test)]
pub(super) mod tests {
    use wgpu::Backend::{Dx12, Gl, Vulkan};
    use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu};

    use super::*;

    pub(in crate::gpu) fn summary(
        name: &str,
        backend: wgpu::Backend,
        device_type: wgpu::DeviceType,
        (device, pci_bus): (u32, &str),
    ) -> AdapterSummary {
        AdapterSummary {
            name: name.to_owned(),
            backend,
            device_type,
            ids: (0x10de, device),
            pci_bus: pci_bus.to_owned(),
            driver: String::new(),
            f16: false,
            subgroups: None,
            cooperative_matrices: Vec::new(),
            limits: wgpu::Limits::default(),
        }
    }

    fn sorted(adapters: &[AdapterSummary]) -> Vec<usize> {
        let ranks = ranks(&adapters.iter().collect::<Vec<_>>());
        let mut order: Vec<usize> = (0..adapters.len()).collect();
        order.sort_by_key(|&index| ranks[index]);
        order
    }

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
            ..summary("one", Vulkan, device_type, (1, ""))
        };
        assert_eq!([8, 16, 4].map(|lanes| on(Cpu, lanes).matrices()), [vec![8], vec![], vec![]]);
        assert_eq!(on(DiscreteGpu, 32).matrices(), [8]);
    }

    #[test]
    fn vulkan_comes_before_dx12_on_the_same_hardware() {
        let (first, second, onboard) = ((1, "0000:01:00.0"), (1, "0000:02:00.0"), (2, ""));
        // By the place where names differ, by the name where a place is not told; even where the kinds differ.
        let adapters = [
            summary("RTX", Dx12, DiscreteGpu, first),
            summary("Iris", Dx12, DiscreteGpu, (2, "0000:00:02.0")),
            summary("Basic Render Driver", Dx12, Cpu, (140, "")),
            summary("Iris", Vulkan, IntegratedGpu, onboard),
            summary("RTX (NVK)", Vulkan, DiscreteGpu, first),
        ];
        assert_eq!(sorted(&adapters), [4, 0, 3, 1, 2]);
        // Two of one model, and of the second DX12 too.
        let adapters = [
            summary("RTX", Vulkan, DiscreteGpu, first),
            summary("RTX", Vulkan, DiscreteGpu, second),
            summary("RTX", Dx12, DiscreteGpu, second),
            summary("RTX", Gl, DiscreteGpu, (0, "")),
        ];
        assert_eq!(sorted(&adapters), [0, 1, 2, 3]);
    }

    #[test]
    fn gpus_come_first_whatever_lists_them() {
        let adapters = [
            summary("llvmpipe", Vulkan, Cpu, (0, "")),
            summary("RTX", Gl, DiscreteGpu, (1, "")),
            summary("RTX", Dx12, DiscreteGpu, (1, "")),
        ];
        assert_eq!(sorted(&adapters), [2, 1, 0]);
    }

    #[test]
    fn a_layer_of_vulkan_over_dx12_is_not_the_hardware() {
        let adapters = [
            summary("Microsoft Direct3D12 (RTX)", Vulkan, IntegratedGpu, (1, "")),
            summary("RTX", Dx12, DiscreteGpu, (1, "0000:01:00.0")),
        ];
        assert_eq!(sorted(&adapters), [1, 0]);
    }

    #[test]
    fn several_at_once() {
        let (first, second) = ((1, "0000:01:00.0"), (1, "0000:02:00.0"));
        let adapters = [
            summary("RTX", Vulkan, DiscreteGpu, first),
            summary("RTX", Vulkan, DiscreteGpu, second),
            summary("RTX", Dx12, DiscreteGpu, second),
            summary("Arc", Dx12, IntegratedGpu, (2, "")),
            summary("llvmpipe (LLVM 15, 256 bits)", Vulkan, Cpu, (0, "")),
        ];
        let found = |text| several(&adapters, text).unwrap();
        assert_eq!(found("all"), [0, 1, 3]);
        assert_eq!(several(&adapters[4..], "all").unwrap(), [0]);
        assert!(matches!(several(&[], "all"), Err(Error::NoAdapter)));
        assert_eq!(found("1, 0,1"), [1, 0]);
        assert_eq!(found("arc,2"), [3, 2]);
        assert_eq!(found("llvmpipe (LLVM 15, 256 bits)"), [4]);
        assert!(
            matches!(several(&adapters, "0,Radeon"), Err(Error::UnknownDevice { wanted, .. }) if wanted == "Radeon")
        );
    }
}
