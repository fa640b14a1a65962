//! Adapters: the order that they are tried in, and the one that is meant.

use super::{AdapterSummary, DeviceOptions, dxc};
use crate::{Error, Result};

/// Of the memory that the system grants this program on an adapter (`VK_EXT_memory_budget`, DXGI), what it takes at
/// most: beyond it allocations fail, as they would not by themselves.
const BUDGET_PERCENT: u8 = 95;

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

/// The indices of those that a list such as `0,1` names, each once; `all` is every GPU whose limits do, by the first of
/// the backends that list it, and where there is none every software adapter. The whole text is a name before it is a
/// list: names have commas.
///
/// # Errors
/// [`Error::NoAdapter`] or [`Error::UnknownDevice`].
pub fn several(found: &[AdapterSummary], text: &str) -> Result<Vec<usize>> {
    if text == "all" {
        let able: Vec<usize> = (0..found.len()).filter(|&i| found[i].lacks().is_none()).collect();
        let able = if able.is_empty() { (0..found.len()).collect() } else { able };
        let gpus: Vec<usize> = able.iter().copied().filter(|&i| !found[i].is_software()).collect();
        let listed_before = |i: usize| {
            let again =
                |one: &AdapterSummary| one.backend != found[i].backend && one.is_same_hardware(&found[i]);
            found[..i].iter().any(again)
        };
        let all = if gpus.is_empty() { able } else { gpus };
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
    // An empty variable says nothing.
    let said = std::env::var_os("WGPU_BACKEND").is_some_and(|value| !value.is_empty());
    if let Some(named) = wgpu::Backends::from_env().filter(|_| said) {
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

/// Whether a limit is too low, the kind, whether OpenGL lists it, its own place or Vulkan's for the same hardware, and
/// whether that is Vulkan's.
type Rank = (bool, u8, bool, usize, bool);

/// Sorts adapters: those whose limits do; then GPUs of their own before those of processors, and software last; then
/// OpenGL, then as they are listed. DX12 comes right after Vulkan on the same hardware, whatever each calls it: there
/// nothing that is compiled can be remembered, and without `dxcompiler.dll` compiling takes many times as long.
fn ranks(adapters: &[&AdapterSummary]) -> Vec<Rank> {
    let by_vulkan = |a: &&AdapterSummary| {
        let twin = |v: &&AdapterSummary| v.backend == wgpu::Backend::Vulkan && v.is_same_hardware(a);
        adapters.iter().position(twin).filter(|_| a.backend == wgpu::Backend::Dx12)
    };
    let rank = |(index, adapter): (usize, &&AdapterSummary)| {
        let twin = by_vulkan(adapter);
        let first = twin.unwrap_or(index);
        (
            adapter.lacks().is_some(),
            kind(adapters[first].device_type),
            adapter.backend == wgpu::Backend::Gl,
            first,
            twin.is_some(),
        )
    };
    adapters.iter().enumerate().map(rank).collect()
}

fn kind(device_type: wgpu::DeviceType) -> u8 {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
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
    // A number may be an index, or the model in a name, which has three digits at least.
    let number = wanted.parse::<usize>().ok();
    let index = number.filter(|&index| index < found.len());
    let may_be_name = number.is_none() || wanted.len() >= 3;
    let in_name = |s: &AdapterSummary| may_be_name && s.name.to_lowercase().contains(&lower);
    let position = index.or_else(|| found.iter().position(in_name));
    let listed = found.iter().enumerate().map(|(index, summary)| format!("{index}: {}", summary.name));
    let known = || listed.collect::<Vec<_>>().join(", ");
    position.ok_or_else(|| Error::UnknownDevice { wanted, known: known() })
}

#[cfg(test)]
pub(super) mod tests {
    use wgpu::Backend::{Dx12, Gl, Vulkan};
    use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu};

    use super::super::Maker;
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
            maker: Maker::Nvidia,
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
    fn what_lacks_something_comes_last() {
        let able = summary("llvmpipe", Vulkan, Cpu, (0, ""));
        let mut lacking = summary("GC7000", Gl, IntegratedGpu, (1, ""));
        lacking.limits.max_storage_buffers_per_shader_stage = 4;
        let told = "it allows 4 storage buffers a shader, and kernels take 6";
        assert_eq!((able.lacks(), lacking.lacks().as_deref()), (None, Some(told)));
        let adapters = [lacking, able];
        assert_eq!(sorted(&adapters), [1, 0]);
        assert_eq!(several(&adapters, "all").unwrap(), [1]);
        // Alone it is named, and opening it tells what it lacks.
        assert_eq!(several(&adapters[..1], "all").unwrap(), [0]);
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
        // The number of a model has three digits, and that of no adapter is in a name.
        assert_eq!(found("256"), [4]);
        assert!(matches!(several(&adapters, "15"), Err(Error::UnknownDevice { .. })));
        assert!(
            matches!(several(&adapters, "0,Radeon"), Err(Error::UnknownDevice { wanted, .. }) if wanted == "Radeon")
        );
    }
}
