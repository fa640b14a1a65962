//! What is chosen by all that is known of an adapter.

use super::cache::{Cache, Entry};
use super::proof::MATRICES;
use super::{Tuner, Tuning, classes};
use crate::graph::Graph;
use crate::kernels::{ConvShape, Target, Variant, Verdicts, candidates};

impl Tuner {
    /// The verdicts on shapes, each with its entry, and what was wrong in these or in any other that is known.
    pub(super) fn verdicts(
        &self,
        adapter: (&str, &str),
        cache: &Cache,
        decided: Vec<(Entry, Vec<ConvShape>)>,
    ) -> Verdicts {
        let mut verdicts = Verdicts::default();
        let remembered = cache.of(adapter).filter(|_| self.tuning == Tuning::On);
        let known = decided.iter().map(|(entry, _)| entry).chain(&self.measured).chain(remembered);
        verdicts.wrong =
            known.flat_map(|entry| &entry.wrong).filter_map(|name| Variant::named(name)).collect();
        // The other size of them has been proven only where the rule would choose it.
        if MATRICES.iter().any(|variant| verdicts.wrong.contains(variant)) {
            verdicts.wrong.extend(MATRICES);
        }
        for (entry, shapes) in decided {
            let held = self.measured.iter().find(|held| held.key == entry.key).unwrap_or(&entry);
            let chosen = held.variant.as_deref().and_then(Variant::named);
            verdicts.fastest.extend(shapes.into_iter().filter_map(|shape| Some((shape, chosen?))));
        }
        verdicts
    }
}

/// Warns where every variant that a convolution of a graph may get was wrong on the adapter.
pub(super) fn warn_where_none_is_right(verdicts: &Verdicts, graph: &Graph, target: &Target) {
    let hopeless = |shape: &ConvShape| {
        !verdicts.fastest.contains_key(shape)
            && candidates(shape, target).iter().all(|c| verdicts.wrong.contains(&c.variant))
    };
    if let Some(shape) = classes(graph).into_iter().flat_map(|(_, shapes)| shapes).find(hopeless) {
        tracing::warn!(
            %shape,
            "every variant of this convolution computed wrong on this adapter; it gets direct, the plainest, and results \
             may be wrong: mprnet doctor tells"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::super::Judge;
    use super::super::tests::{ADAPTER, Fake, chosen, graph, target};
    use super::*;
    use crate::Result;
    use crate::gpu::Storage;

    #[test]
    fn what_was_wrong_once_is_not_chosen_unmeasured() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("variants.json");
        let rule = candidates(&classes(&graph(64, 32))[0].0, &target());
        let mut judge = Fake::new(Variant::Winograd4);
        judge.cheat = Some(rule[0].variant);
        let mut tuner = Tuner::with_cache(Tuning::On, Some(file.clone()));
        tuner.decide(ADAPTER, &target(), &graph(64, 32), &mut judge);
        let measured = judge.measured.len();
        // There is no time for another size, and all that has to go by what is known already.
        let hurried =
            |tuning| Tuner { budget: Duration::ZERO, ..Tuner::with_cache(tuning, Some(file.clone())) };
        let mut choose = |mut tuner: Tuner, adapter| {
            let (graph, target) = (graph(640, 320), target());
            chosen(&tuner.decide(adapter, &target, &graph, &mut judge), &graph, &target)
        };
        let [first, second] = [rule[0].variant, rule[1].variant].map(|variant| BTreeSet::from([variant]));
        assert_eq!(choose(Tuner { budget: Duration::ZERO, ..tuner }, ADAPTER), second);
        assert_eq!(choose(hurried(Tuning::On), ADAPTER), second);
        // What another adapter did says nothing; nor does what is to be measured anew.
        assert_eq!(choose(hurried(Tuning::On), (ADAPTER.0, "3.03")), first);
        assert_eq!(choose(hurried(Tuning::Force), ADAPTER), first);
        assert_eq!(judge.measured.len(), measured);
    }

    #[test]
    fn matrices_of_one_size_speak_for_the_other() {
        let matrices = vec![8, 16];
        let target = Target { subgroups: Some((32, 64)), matrices, ..Target::portable(Storage::F16) };
        let mut judge = Fake::new(Variant::Matrix16);
        judge.cheat = Some(Variant::Matrix16);
        let mut tuner = Tuner::with_cache(Tuning::On, None);
        tuner.decide(ADAPTER, &target, &graph(64, 32), &mut judge);
        let (hurried, larger) = (Tuner { budget: Duration::ZERO, ..tuner }, graph(640, 320));
        let choices = { hurried }.decide(ADAPTER, &target, &larger, &mut judge);
        let found = chosen(&choices, &larger, &target);
        assert_eq!(found, BTreeSet::from([Variant::Tiled]));
    }

    /// A shape with a verdict of its own keeps it.
    #[test]
    fn what_is_right_for_a_shape_stays() {
        struct Pooling(Fake);
        impl Judge for Pooling {
            fn error(&mut self, shape: &ConvShape, variant: Variant) -> Result<f64> {
                Ok(if shape.pooled && variant == Variant::Tiled { 0.1 } else { 0.0 })
            }
            fn seconds(&mut self, shape: &ConvShape, variant: Variant) -> Result<f64> {
                self.0.seconds(shape, variant)
            }
        }
        let (graph, target) = (graph(64, 32), target());
        let mut tuner = Tuner::with_cache(Tuning::On, None);
        let choices = tuner.decide(ADAPTER, &target, &graph, &mut Pooling(Fake::new(Variant::Tiled)));
        for shape in classes(&graph).into_iter().flat_map(|(_, shapes)| shapes) {
            assert_eq!(choices.variant(&shape, &target) == Variant::Tiled, !shape.pooled, "{shape}");
        }
        // Where the chosen one fails after all, the wrong one does not come back.
        let failed = Target { failed: vec![Variant::Winograd2], ..target };
        for shape in classes(&graph).into_iter().flat_map(|(_, shapes)| shapes).filter(|shape| shape.pooled) {
            assert_ne!(choices.variant(&shape, &failed), Variant::Tiled, "{shape}");
        }
    }
}
