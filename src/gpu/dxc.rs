//! `dxcompiler.dll`, Microsoft's newer compiler of shaders. wgpu takes it wherever Windows finds one, even one that is
//! too old, and then lists no adapter of less than shader model 6: FXC, which is part of Windows, would do there.

use std::path::{Path, PathBuf};
use std::sync::Once;

use super::AdapterSummary;

/// Whether a `dxcompiler.dll` may be why an adapter is missing: where DX12 was asked for, and nothing but software was
/// found.
pub(super) fn may_hide_some<'a>(
    backends: wgpu::Backends,
    mut found: impl Iterator<Item = &'a AdapterSummary>,
) -> bool {
    backends.contains(wgpu::Backends::DX12) && found.all(AdapterSummary::is_software)
}

/// The `dxcompiler.dll` that wgpu uses without having been told which compiler to use.
pub(crate) fn found() -> Option<PathBuf> {
    if !cfg!(windows) || wgpu::Dx12Compiler::from_env().is_some() {
        return None;
    }
    let program = std::env::current_exe().ok()?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = program.parent().map(Path::to_owned).into_iter();
    first_in(folders.chain(std::env::current_dir()).chain(std::env::split_paths(&path)))
}

fn first_in(folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    folders.into_iter().map(|folder| folder.join("dxcompiler.dll")).find(|file| file.is_file())
}

/// Says once that FXC does its work.
pub(super) fn pass_over(dll: &Path) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::warn!(
            "{} is passed over, since an adapter of DX12 cannot be used with it: it has to be 1.8.2502 or newer, and the \
             adapter of shader model 6; FXC compiles instead, which takes longer",
            dll.display()
        );
    });
}

#[cfg(test)]
mod tests {
    use wgpu::Backend::{Dx12, Vulkan};
    use wgpu::DeviceType::{Cpu, DiscreteGpu};

    use super::super::adapters::tests::summary;
    use super::*;

    #[test]
    fn adapters_are_missed_where_no_gpu_is_found() {
        let software = summary("Basic Render Driver", Dx12, Cpu, (140, ""));
        let gpu = |backend| summary("RTX", backend, DiscreteGpu, (1, ""));
        let [all, vulkan] = [wgpu::Backends::PRIMARY, wgpu::Backends::VULKAN];
        assert!(may_hide_some(all, [].iter()) && may_hide_some(all, [&software].into_iter()));
        assert!(!may_hide_some(vulkan, [].iter()));
        for backend in [Dx12, Vulkan] {
            assert!(!may_hide_some(all, [&software, &gpu(backend)].into_iter()));
        }
    }

    #[test]
    fn the_first_library_is_the_one() {
        let room = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "b", "c"].map(|name| room.path().join(name));
        for folder in [&b, &c] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join("dxcompiler.dll"), "").unwrap();
        }
        assert_eq!(first_in([a.clone(), b.clone(), c]), Some(b.join("dxcompiler.dll")));
        assert_eq!(first_in([a]), None);
    }
}
