//! Ceilings of the adapter.

use mprnet::kernels::Target;
use mprnet::plan::Precision;
use mprnet::probe::{self, Resource, Roof};

use crate::{device, host_device};

#[test]
fn what_the_adapter_has_is_measured_and_what_it_has_not_is_named() {
    for device in [device(), &host_device()] {
        let ceilings = probe::ceilings(device).unwrap();
        assert_eq!(ceilings.iter().map(|c| c.resource).collect::<Vec<_>>(), Resource::ALL);
        let features = device.wgpu().features();
        for ceiling in &ceilings {
            let there = match ceiling.resource {
                Resource::F16 => features.contains(wgpu::Features::SHADER_F16),
                Resource::Matrices => {
                    let target = Target::of(device, Precision::F16);
                    !target.matrices.is_empty() && target.subgroups.is_some_and(|(least, most)| least == most)
                }
                // Arithmetic in f32 and memory, which every adapter has.
                _ => true,
            };
            println!("{ceiling:?}");
            assert_eq!(ceiling.measured.is_some(), there, "{ceiling:?}");
            assert!(ceiling.measured.is_none_or(|rate| rate.is_finite() && rate > 1e6), "{ceiling:?}");
            assert!(there || ceiling.note.as_ref().unwrap().contains("not measured"), "{ceiling:?}");
        }
        assert!(Roof::new(&ceilings).ceiling(Resource::Memory).is_some());
    }
}
