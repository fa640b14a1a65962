//! Blocks of the network against PyTorch's golden tensors, on the CPU.

use std::collections::HashMap;

use safetensors::SafeTensors;

use super::*;
use crate::graph::{Role, cpu, passes};

const CONFIG: ModelConfig =
    ModelConfig { n_feat: 8, scale_unetfeats: 4, scale_orsnetfeats: 4, num_cab: 2, reduction: 4, shuffle: 1 };

type Tensors = HashMap<String, (Vec<usize>, Vec<f32>)>;

fn golden() -> Tensors {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/blocks.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let floats =
        |data: &[u8]| data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    file.tensors().into_iter().map(|(k, v)| (k, (v.shape().to_vec(), floats(v.data())))).collect()
}

/// Builds a block from its weights and inputs, with and without passes, and compares its outputs.
fn check(
    block: &str,
    patches: Patches,
    inputs: &[&str],
    build: fn(&mut Network<'_>, &[TensorId]) -> Vec<TensorId>,
) {
    let tensors = golden();
    let prefix = format!("{block}/weights/");
    let param = |(key, (shape, data)): (&String, &(Vec<usize>, Vec<f32>))| {
        let name = key.strip_prefix(&prefix)?.to_owned();
        Some(Param { name, shape: shape.clone(), data: data.as_slice().into() })
    };
    let weights = Weights::partial(CONFIG, tensors.iter().filter_map(param).collect());
    let mut net = Network { graph: Graph::new(), weights: &weights, patches, windows: None };
    let tensor = |name: &str| &tensors[&format!("{block}/{name}")];
    let mut ids = Vec::new();
    for name in inputs {
        let [_, channels, height, width] = tensor(name).0[..] else { panic!("{name} has no four sides") };
        let [channels, height, width] = [channels, height, width].map(|side| side as u32);
        ids.push(
            net.graph.add_input(name, TensorDesc { channels, height, width, patches, role: Role::Feature }),
        );
    }
    let outputs = build(&mut net, &ids);
    outputs.iter().for_each(|&t| net.graph.mark_output(t));
    let values: Vec<Vec<f64>> =
        inputs.iter().map(|name| tensor(name).1.iter().map(|&v| f64::from(v)).collect()).collect();
    for graph in [net.graph.clone(), passes::optimize(net.graph).unwrap()] {
        let results = cpu::run(&graph, &values).unwrap();
        for (i, id) in outputs.iter().enumerate() {
            let name = if outputs.len() == 1 { "out".to_owned() } else { format!("out.{i}") };
            let (expected, actual) = (&tensor(&name).1, &results[id].data);
            assert_eq!(expected.len(), actual.len());
            let norm: f64 = expected.iter().map(|&e| f64::from(e).powi(2)).sum();
            let error: f64 = expected.iter().zip(actual).map(|(&e, a)| (f64::from(e) - a).powi(2)).sum();
            // Golden tensors are f64 results rounded once; passes round products of weights once more.
            assert!((error / norm).sqrt() < 5e-7, "{block} {name}: {:.2e}", (error / norm).sqrt());
        }
    }
}

#[test]
fn channel_attention_block() {
    check("cab", Patches::QUARTERS, &["x"], |net, x| vec![net.cab("shallow_feat1.1", x[0]).unwrap()]);
}

#[test]
fn encoder_with_cross_stage_fusion() {
    check("encoder", Patches::HALVES, &["x", "e1", "e2", "e3", "d1", "d2", "d3"], |net, x| {
        let stage1 = Some(([x[1], x[2], x[3]], [x[4], x[5], x[6]]));
        net.encoder("stage2_encoder", x[0], stage1).unwrap().to_vec()
    });
}

#[test]
fn decoder() {
    check("decoder", Patches::WHOLE, &["e1", "e2", "e3"], |net, x| {
        net.decoder("stage2_decoder", [x[0], x[1], x[2]]).unwrap().to_vec()
    });
}

#[test]
fn original_resolution_block() {
    check("orb", Patches::WHOLE, &["x"], |net, x| vec![net.orb("stage3_orsnet.orb1", x[0]).unwrap()]);
}

#[test]
fn original_resolution_subnetwork() {
    check("orsnet", Patches::WHOLE, &["x", "e1", "e2", "e3", "d1", "d2", "d3"], |net, x| {
        let (e, d) = ([x[1], x[2], x[3]], [x[4], x[5], x[6]]);
        vec![net.orsnet("stage3_orsnet", x[0], e, d).unwrap()]
    });
}
