//! Cooperative matrices are taken on trust nowhere: of all that a driver compiles they are what differs most from
//! adapter to adapter, and the first GPU that ran them made wrong sums.

use super::{Tuner, Unfit, crop, three_by_three, within};
use crate::gpu::{Device, KernelSpec};
use crate::graph::{Graph, Node};
use crate::kernels::{self, Choices, Target, Variant, candidates};
use crate::plan::Precision;
use crate::specimen::Specimen;
use crate::{ExecutorOptions, Result};

pub(super) const MATRICES: [Variant; 2] = [Variant::Matrix8, Variant::Matrix16];

/// The relative L2 error of a specimen that a variant computes.
type ErrorOf<'a> = dyn FnMut(&Specimen, Variant) -> Result<f64> + 'a;

impl Tuner {
    /// Has a device give up what the rule would choose for a graph and what is wrong there.
    pub(crate) fn prove(&mut self, device: &Device, precision: Precision, graph: &Graph) {
        let target = Target::of(device, precision);
        if MATRICES.iter().all(|variant| variant.refused(&target).is_some()) {
            return;
        }
        let mut error_of = |specimen: &Specimen, variant: Variant| {
            let choices = Choices::Always(variant);
            specimen.error(device, &ExecutorOptions { precision, choices, ..ExecutorOptions::default() })
        };
        while let Some((variant, reason)) =
            self.disproved(&Target::of(device, precision), graph, &mut error_of)
        {
            device.give_up(variant.name(), &reason);
        }
    }

    /// A variant of matrices that the rule would choose for a graph, and what is wrong with it here; None once all that
    /// it would choose have been found right. Each kernel is compared with the twin once, on a crop of the first
    /// convolution that would get it.
    fn disproved(
        &mut self,
        target: &Target,
        graph: &Graph,
        error_of: &mut ErrorOf<'_>,
    ) -> Option<(Variant, String)> {
        for (node, shape) in three_by_three(graph) {
            let variant = candidates(&shape, target)[0].variant;
            if !MATRICES.contains(&variant) {
                continue;
            }
            let kernels = kernels_of(graph, node, target, variant);
            if kernels.iter().all(|kernel| self.proven.contains(kernel)) {
                continue;
            }
            let roles: Vec<_> = node.inputs.iter().map(|&id| graph.desc(id).role).collect();
            let specimen = Specimen::reading(&crop(&shape), &roles);
            let error = specimen.and_then(|specimen| error_of(&specimen, variant));
            let checked = error.map_err(Unfit::from).and_then(|error| within(error, variant, target.storage));
            if let Err(reason) = checked {
                return Some((variant, format!("conv3x3/matrix is not proven right here: {reason}")));
            }
            self.proven.extend(kernels);
        }
        None
    }
}

/// The kernels of a node by a variant.
fn kernels_of(graph: &Graph, node: &Node, target: &Target, variant: Variant) -> Vec<KernelSpec> {
    let target = target.clone().with_choices(Choices::Always(variant));
    kernels::lower(graph, node, &target).stages.into_iter().map(|stage| stage.spec).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::tests::graph;
    use super::*;
    use crate::gpu::Storage;
    use crate::tune::Tuning;

    fn target() -> Target {
        Target { subgroups: Some((32, 64)), matrices: vec![8, 16], ..Target::portable(Storage::F16) }
    }

    /// Of every 3x3 convolution of a graph.
    fn all_kernels(graph: &Graph, target: &Target, variant: Variant) -> HashSet<KernelSpec> {
        three_by_three(graph).flat_map(|(node, _)| kernels_of(graph, node, target, variant)).collect()
    }

    #[test]
    fn matrices_are_proven_before_they_are_chosen() {
        let (target, graph) = (target(), graph(64, 32));
        let mut tuner = Tuner::with_cache(Tuning::Off, None);
        let mut cheat =
            |_: &Specimen, variant: Variant| Ok(if variant == Variant::Matrix16 { 0.1 } else { 1e-7 });
        let (variant, reason) = tuner.disproved(&target, &graph, &mut cheat).unwrap();
        assert_eq!(variant, Variant::Matrix16);
        let why = "conv3x3/matrix is not proven right here: its relative L2 error is 1.0e-1, more than 1e-3";
        assert!(reason.starts_with(why), "{reason}");
        let without = Target { failed: vec![variant], ..target };
        assert!(tuner.disproved(&without, &graph, &mut cheat).is_none());
        assert_eq!(tuner.proven, all_kernels(&graph, &without, Variant::Matrix8));
    }

    /// And no kernel is used that was not: channels, sources, epilogues and pooling make others.
    #[test]
    fn each_kernel_is_compared_once() {
        let (target, graph) = (target(), graph(64, 32));
        let mut tuner = Tuner::with_cache(Tuning::Off, None);
        let mut compared = Vec::new();
        let mut right = |specimen: &Specimen, variant: Variant| {
            let node = &specimen.graph().nodes()[0];
            compared.extend(kernels_of(specimen.graph(), node, &target, variant));
            Ok(1e-7)
        };
        assert!(tuner.disproved(&target, &graph, &mut right).is_none());
        assert!(tuner.disproved(&target, &graph, &mut right).is_none());
        let used = all_kernels(&graph, &target, Variant::Matrix16);
        assert!(used.len() > 5, "{used:?}");
        assert_eq!((compared.len(), compared.into_iter().collect::<HashSet<_>>()), (used.len(), used));
        // Another size of photo has no other kernels.
        let mut asked = |_: &Specimen, _: Variant| -> Result<f64> { panic!("it is proven") };
        assert!(tuner.disproved(&target, &super::super::tests::graph(128, 96), &mut asked).is_none());
    }

    #[test]
    fn one_kernel_that_is_wrong() {
        let (target, graph) = (target(), graph(64, 32));
        let pooled = |specimen: &Specimen| specimen.graph().nodes()[0].outputs.len() > 1;
        let mut wrong = |specimen: &Specimen, _: Variant| Ok(if pooled(specimen) { f64::NAN } else { 1e-7 });
        let disproved = Tuner::with_cache(Tuning::Off, None).disproved(&target, &graph, &mut wrong);
        assert_eq!(disproved.map(|(variant, _)| variant), Some(Variant::Matrix16));
    }
}
