//! What an adapter can do at most, measured: multiply-adds in f32, in f16 and on cooperative matrices, and bytes of
//! memory moved. These are the roof under which operators are judged (Williams, Waterman and Patterson, "Roofline",
//! CACM 2009).

mod kernels;
mod measure;
mod memory;
mod roof;
mod vendor;

use serde::Serialize;

pub use kernels::specs;
pub use memory::memory;
pub use roof::{Demand, Limit, Roof};
pub use vendor::Vendor;

use crate::Result;
use crate::gpu::{Device, Storage};
use crate::plan::Precision;

/// The share of a vendor's figure that a probe must reach to be believed.
const BELIEVED: f64 = 0.8;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Resource {
    /// Multiply-adds in f32.
    F32,
    /// Multiply-adds in f16.
    F16,
    /// Products of cooperative matrices of f16, summed in f32.
    Matrices,
    /// Memory behind the caches, read and written.
    Memory,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Matrices, Self::Memory];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Matrices => "matrices",
            Self::Memory => "memory",
        }
    }

    /// What is counted: floating-point operations, two for a multiply-add, or bytes.
    #[must_use]
    pub fn unit(self) -> &'static str {
        if self == Self::Memory { "B/s" } else { "FLOP/s" }
    }
}

/// The most that an adapter does of something in a second.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Ceiling {
    /// What.
    pub resource: Resource,
    /// `FLOP/s` or `B/s`.
    pub unit: &'static str,
    /// As measured, where it could be.
    pub measured: Option<f64>,
    /// By the vendor's documents, where the adapter is a known one.
    pub vendor: Option<f64>,
    /// Which documents.
    pub source: Option<&'static str>,
    /// What operators are judged by: what was measured, unless that is less than 80% of the vendor's figure.
    pub used: Option<f64>,
    /// Why nothing was measured, or why that is not used.
    pub note: Option<String>,
}

impl Ceiling {
    fn new(resource: Resource, measured: std::result::Result<f64, &str>, vendor: Option<&Vendor>) -> Self {
        let figure = vendor.and_then(|v| v.figure(resource));
        let (used, note) = match (measured, figure) {
            (Err(reason), _) => (None, Some(format!("not measured: {reason}"))),
            (Ok(measured), Some(figure)) if measured < BELIEVED * figure => {
                let percent = 100.0 * measured / figure;
                let note = format!("the probe reached {percent:.0}% of the vendor's figure, which is used");
                (Some(figure), Some(note))
            }
            (Ok(measured), _) => (Some(measured), None),
        };
        Self {
            resource,
            unit: resource.unit(),
            measured: measured.ok(),
            vendor: figure,
            source: figure.and(vendor).map(|v| v.source),
            used,
            note,
        }
    }
}

/// Measures all ceilings of a device, which takes seconds at most.
///
/// # Errors
/// [`crate::Error::Shader`] or [`crate::Error::Gpu`].
pub fn ceilings(device: &Device) -> Result<Vec<Ceiling>> {
    let vendor = Vendor::of(&device.adapter().name);
    let ceiling = |resource| {
        let measured = match unavailable(device, resource) {
            Some(reason) => Err(reason),
            None => Ok(measure::rate(device, &kernels::probe(device, resource))?),
        };
        Ok(Ceiling::new(resource, measured, vendor))
    };
    Resource::ALL.into_iter().map(ceiling).collect()
}

/// Why something cannot be measured on a device, if it cannot.
fn unavailable(device: &Device, resource: Resource) -> Option<&'static str> {
    match resource {
        Resource::F16 if device.storage(Precision::F16) != Storage::F16 => {
            Some("the device was opened without 16-bit floats in shaders")
        }
        Resource::Matrices if kernels::tile(device).is_none() => Some(
            "the device has no cooperative matrices of f16 that sum in f32, or subgroups of several sizes",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_far_below_the_vendors_figure_is_not_believed() {
        let vendor = Vendor::of("NVIDIA H100 80GB HBM3").unwrap();
        let figure = vendor.figure(Resource::Memory).unwrap();
        let of = |measured| Ceiling::new(Resource::Memory, measured, Some(vendor));
        let near = of(Ok(0.81 * figure));
        assert_eq!((near.used, near.note.as_deref()), (Some(0.81 * figure), None));
        let far = of(Ok(0.79 * figure));
        assert_eq!((far.used, far.measured), (Some(figure), Some(0.79 * figure)));
        assert!(far.note.unwrap().contains("79% of the vendor's figure"));
        let absent = of(Err("no such thing"));
        assert_eq!((absent.used, absent.note.as_deref()), (None, Some("not measured: no such thing")));
        let unknown = Ceiling::new(Resource::F32, Ok(5.0), None);
        assert_eq!((unknown.used, unknown.vendor, unknown.source), (Some(5.0), None, None));
    }
}
