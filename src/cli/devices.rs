//! `mprnet devices`.

use crate::Error;
use crate::conformance::AdapterReport;
use crate::gpu;

use super::network::lines;
use super::{Failure, print};

pub(super) fn run() -> Result<(), Failure> {
    let adapters = gpu::adapters();
    if adapters.is_empty() {
        return Err(Error::NoAdapter.into());
    }
    let list: String =
        adapters.iter().enumerate().map(|(index, adapter)| lines(describe(index, &adapter.into()))).collect();
    Ok(print(&list)?)
}

/// What an adapter is and can do, a line each.
pub(super) fn describe(index: usize, a: &AdapterReport) -> Vec<String> {
    let hardware = if a.software { "software" } else { "hardware" };
    let f16 = if a.f16 { "native" } else { "packed" };
    let (subgroups, matrices) = (subgroups(a), matrices(a, ", "));
    vec![
        format!("{index}: {}", a.name),
        format!("   backend {}, {hardware} ({}), driver {}", a.backend, a.kind, a.driver),
        format!("   f16 {f16}, subgroups {subgroups}"),
        format!("   cooperative matrices {matrices}"),
        format!(
            "   limits: buffer {} MiB, binding {} MiB, workgroup {} invocations, {} KiB shared, {} workgroups a side",
            a.buffer >> 20,
            a.binding >> 20,
            a.lanes,
            a.workgroup_memory >> 10,
            a.workgroups,
        ),
    ]
}

pub(super) fn subgroups(a: &AdapterReport) -> String {
    match a.subgroups {
        Some((min, max)) if min == max => format!("of {min}"),
        Some((min, max)) => format!("of {min} to {max}"),
        None => "no".to_owned(),
    }
}

pub(super) fn matrices(a: &AdapterReport, between: &str) -> String {
    if a.matrices.is_empty() { "no".to_owned() } else { a.matrices.join(between) }
}
