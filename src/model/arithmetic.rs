//! How much a network computes, stage by stage.

use std::collections::BTreeMap;

use crate::graph::{Graph, cost};

/// Multiply-adds of a network's graph for one photo, counted as [`cost::multiply_adds`] counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arithmetic {
    /// Of stages 1, 2 and 3. What passes have merged belongs to the stage of its result.
    pub stages: [u64; 3],
    /// Of every kind of operator ([`crate::graph::Op::name`]) that has any.
    pub kinds: BTreeMap<&'static str, u64>,
}

impl Arithmetic {
    /// Counts the operators of a graph that [`super::build`] made, before passes or after.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let mut counted = Self::default();
        for node in graph.nodes() {
            let multiply_adds = cost::multiply_adds(graph, node);
            if multiply_adds > 0 {
                counted.stages[stage_of(&graph.tensor(node.outputs[0]).name)] += multiply_adds;
                *counted.kinds.entry(node.op.name()).or_default() += multiply_adds;
            }
        }
        counted
    }

    /// Of the whole network.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.stages.iter().sum()
    }
}

/// The stage, from 0, in which the tensor of that name is computed (figure 2 of the paper: a stage begins with its
/// shallow features and ends with its supervised attention module).
fn stage_of(name: &str) -> usize {
    let module = name.split('.').next().unwrap_or(name);
    match module {
        "shallow_feat1" | "stage1_encoder" | "stage1_decoder" | "sam12" => 0,
        "shallow_feat2" | "concat12" | "stage2_encoder" | "stage2_decoder" | "sam23" => 1,
        _ => 2,
    }
}
