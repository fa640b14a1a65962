//! What wraps the keys of a network, where a file holds more than one.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::{bits, golden, refusal};

/// A file with one small tensor for each of these keys.
fn keyed(room: &Path, keys: impl IntoIterator<Item = String>) -> PathBuf {
    let views = keys.into_iter().map(|key| (key, TensorView::new(Dtype::F32, vec![1], &[0; 4]).unwrap()));
    let path = room.join("keyed.safetensors");
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    path
}

/// A file that holds micro's weights under one prefix, and zeros in their places under another.
fn wrapped(room: &Path, weights: &str, zeros: &str) -> PathBuf {
    let bytes = std::fs::read(golden("checkpoints/micro.safetensors")).unwrap();
    let nothing = vec![0; bytes.len()];
    let mut views = Vec::new();
    for (key, tensor) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
        let zero = &nothing[..tensor.data().len()];
        let zero = TensorView::new(tensor.dtype(), tensor.shape().to_vec(), zero).unwrap();
        views.extend([(format!("{weights}{key}"), tensor), (format!("{zeros}{key}"), zero)]);
    }
    let path = room.join("wrapped.safetensors");
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    path
}

#[test]
fn preferred_weights_are_taken() {
    let expected = bits(&golden("checkpoints/micro.safetensors")).unwrap();
    for (weights, zeros) in [
        ("state_dict.", "model."),
        ("state_dict.module.", "ema."),
        ("params_ema.", "params."),
        ("state_dict.", "params_ema."),
    ] {
        let room = tempfile::tempdir().unwrap();
        assert!(bits(&wrapped(room.path(), weights, zeros)).unwrap() == expected, "{weights} {zeros}");
    }
}

#[test]
fn several_networks() {
    let room = tempfile::tempdir().unwrap();
    let error = refusal(&wrapped(room.path(), "", "ema."));
    assert!(error.contains("several networks (ema, one without a prefix); save one"), "{error}");
    // However many there are, and whatever their names, the message stays short.
    let landmark = |prefix: String| format!("{prefix}.shallow_feat1.0.weight");
    let error = refusal(&keyed(room.path(), (0..2000).map(|at| landmark(format!("net{at:04}")))));
    assert!(error.contains("several networks (net0000, net0001, net0002 and 1997 more)"), "{error}");
    refusal(&keyed(room.path(), (0..9).map(|at| landmark(format!("{at:0200}")))));
}
