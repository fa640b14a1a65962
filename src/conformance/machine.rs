//! What matters of a machine besides its adapters.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::SYSTEM;
use crate::gpu;
use crate::output::{Output, cache_folder};

/// Variables that decide which drivers and adapters are found, and how software adapters compile.
const VARIABLES: [&str; 9] = [
    "WGPU_BACKEND",
    "WGPU_ADAPTER_NAME",
    "WGPU_DX12_COMPILER",
    "VK_DRIVER_FILES",
    "VK_ICD_FILENAMES",
    "VK_LOADER_DRIVERS_SELECT",
    "LP_NATIVE_VECTOR_WIDTH",
    "MPRNET_CACHE",
    "NVIDIA_DRIVER_CAPABILITIES",
];
/// Where Vulkan's loader looks for drivers on Linux.
const MANIFESTS: [&str; 3] =
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/// What matters of a machine besides its adapters.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Machine {
    /// Operating system and architecture that the program was built for.
    pub system: String,
    /// Threads that the processor runs at once.
    pub threads: usize,
    /// Variables that decide which adapters are found, where they are set.
    pub environment: BTreeMap<String, String>,
    /// Manifests of Vulkan drivers in the usual places; on Linux.
    pub vulkan_drivers: Option<usize>,
    /// GPUs' device files that this user may not open; on Linux.
    pub closed_nodes: Vec<String>,
    /// Whether NVIDIA's kernel driver is loaded; on Linux.
    pub nvidia: bool,
    /// The `dxcompiler.dll` that DX12 is given, in place of the compiler that is part of Windows.
    pub dxcompiler: Option<String>,
    /// Where choices and compiled kernels are kept.
    pub cache: Option<String>,
    /// Why nothing can be kept there.
    pub cache_unusable: Option<String>,
}

impl Machine {
    pub(super) fn of_this() -> Self {
        let value = |name: &str| Some((name.to_owned(), shortened(&std::env::var(name).ok()?)));
        let linux = cfg!(target_os = "linux");
        let cache = cache_folder();
        let cache_unusable = match &cache {
            None => Some("there is no home directory".to_owned()),
            Some(folder) => unusable(folder).map(|reason| shortened(&reason)),
        };
        Self {
            system: SYSTEM.join(" "),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            environment: VARIABLES.into_iter().filter_map(value).collect(),
            vulkan_drivers: linux
                .then(|| MANIFESTS.iter().map(|folder| names_in(folder, ".json").len()).sum()),
            closed_nodes: if linux { closed_nodes() } else { Vec::new() },
            nvidia: linux && Path::new("/dev/nvidiactl").exists(),
            dxcompiler: gpu::dxcompiler().map(|dll| shortened(&dll.display().to_string())),
            cache: cache.map(|folder| shortened(&folder.display().to_string())),
            cache_unusable,
        }
    }
}

/// Files of a folder that end like that; none where it cannot be read.
fn names_in(folder: &str, end: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(end))
        .collect()
}

fn closed_nodes() -> Vec<String> {
    let nodes = names_in("/dev/dri", "").into_iter().filter(|name| name.starts_with("renderD"));
    let paths = nodes.map(|name| format!("/dev/dri/{name}"));
    let closed = |path: &String| {
        let opened = std::fs::OpenOptions::new().read(true).write(true).open(path);
        opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    paths.filter(closed).collect()
}

/// Why nothing can be written to a folder, which is made where it is missing.
fn unusable(folder: &Path) -> Option<String> {
    if let Err(error) = std::fs::create_dir_all(folder) {
        return Some(format!("cannot create {}: {error}", folder.display()));
    }
    Output::create(&folder.join("examined")).err().map(|error| error.to_string())
}

/// A text with the user's home directory left out.
pub(super) fn shortened(text: &str) -> String {
    let home = std::env::var(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).unwrap_or_default();
    if home.len() > 1 { text.replace(&home, "~") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unusable(&folder.path().join("a/b")), None);
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(unusable(&file.join("below")).unwrap().contains("cannot create"));
    }
}
