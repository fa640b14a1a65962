//! `mprnet devices`.

use mprnet::{Error, gpu};

use super::Failure;

pub(super) fn run() -> Result<(), Failure> {
    let adapters = gpu::adapters();
    if adapters.is_empty() {
        return Err(Error::NoAdapter.into());
    }
    for (index, a) in adapters.iter().enumerate() {
        let kind = if a.is_software() { "software" } else { "hardware" };
        println!("{index}: {}", a.name);
        println!("   backend {}, {kind} ({:?}), driver {}", a.backend, a.device_type, a.driver);
        let subgroups = match a.subgroups {
            Some((min, max)) if min == max => format!("of {min}"),
            Some((min, max)) => format!("of {min} to {max}"),
            None => "no".to_owned(),
        };
        let f16 = if a.f16 { "native" } else { "packed" };
        println!("   f16 {f16}, subgroups {subgroups}");
        let tiles = a.cooperative_matrices.join(", ");
        println!("   cooperative matrices {}", if tiles.is_empty() { "no" } else { &tiles });
        let l = &a.limits;
        println!(
            "   limits: buffer {} MiB, binding {} MiB, workgroup {} invocations, {} KiB shared, {} workgroups a side",
            l.max_buffer_size >> 20,
            l.max_storage_buffer_binding_size >> 20,
            l.max_compute_invocations_per_workgroup,
            l.max_compute_workgroup_storage_size >> 10,
            l.max_compute_workgroups_per_dimension,
        );
    }
    Ok(())
}
