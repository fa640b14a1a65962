//! Cooperative matrices are taken on trust nowhere: of all that a driver compiles they are what differs most from
//! adapter to adapter, and the first GPU that ran them made wrong sums.

use super::{Judge, Measuring, Tuner, classes, crop, right};
use crate::gpu::Device;
use crate::graph::Graph;
use crate::kernels::{Target, Variant, candidates};
use crate::plan::Precision;

const MATRICES: [Variant; 2] = [Variant::Matrix8, Variant::Matrix16];

impl Tuner {
    /// Has a device give up what the rule would choose for a graph and what is wrong there.
    pub(crate) fn prove(&mut self, device: &Device, precision: Precision, graph: &Graph) {
        let target = Target::of(device, precision);
        if MATRICES.iter().all(|variant| variant.refused(&target).is_some()) {
            return;
        }
        let mut judge = Measuring::new(device, precision);
        while let Some((variant, reason)) = self.disproved(&Target::of(device, precision), graph, &mut judge)
        {
            device.give_up(variant.name(), &reason);
        }
    }

    /// A variant of matrices that the rule would choose for a graph, and what is wrong with it here; None once all that
    /// it would choose have been found right. Each is compared with the twin once, on a crop of the first shape that
    /// would get it.
    fn disproved(
        &mut self,
        target: &Target,
        graph: &Graph,
        judge: &mut dyn Judge,
    ) -> Option<(Variant, String)> {
        for (class, _) in classes(graph) {
            let variant = candidates(&class, target)[0].variant;
            if !MATRICES.contains(&variant) || self.proven.contains(&variant) {
                continue;
            }
            if let Err(reason) = right(&crop(&class), variant, target.storage, judge) {
                return Some((variant, format!("conv3x3/matrix is not proven right here: {reason}")));
            }
            self.proven.push(variant);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Fake, graph};
    use super::*;
    use crate::gpu::Storage;
    use crate::tune::Tuning;

    #[test]
    fn matrices_are_proven_before_they_are_chosen() {
        let target =
            Target { subgroups: Some((32, 64)), matrices: vec![8, 16], ..Target::portable(Storage::F16) };
        let graph = graph(64, 32);
        let (mut tuner, mut judge) = (Tuner::with_cache(Tuning::Off, None), Fake::new(Variant::Tiled));
        assert!(tuner.disproved(&target, &graph, &mut judge).is_none());
        // What is proven is not asked for again.
        judge.cheat = Some(Variant::Matrix16);
        assert!(tuner.disproved(&target, &graph, &mut judge).is_none());
        let mut tuner = Tuner::with_cache(Tuning::Off, None);
        let (variant, reason) = tuner.disproved(&target, &graph, &mut judge).unwrap();
        assert_eq!(variant, Variant::Matrix16);
        let why = "conv3x3/matrix is not proven right here: its relative L2 error is 1.0e-1, more than 1e-3";
        assert!(reason.starts_with(why), "{reason}");
        let without = Target { failed: vec![variant], ..target };
        assert!(tuner.disproved(&without, &graph, &mut judge).is_none());
        assert_eq!(tuner.proven, [Variant::Matrix8]);
        assert!(judge.measured.is_empty());
    }
}
