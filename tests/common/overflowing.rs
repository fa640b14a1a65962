//! Networks whose numbers pass f16's range.

use std::path::Path;

use mprnet::graph::Param;
use mprnet::model::Weights;

/// A network with biases everywhere and a slope of its own in every block.
pub fn tiny() -> Weights {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Weights::read(&root.join("golden/tiny_bias_slopes.safetensors")).unwrap()
}

/// With parameters changed by key and index.
pub fn changed(weights: &Weights, change: impl Fn(&str, usize) -> f32) -> Weights {
    let params = weights.params().map(|param| {
        let data = param.data.iter().enumerate().map(|(i, v)| v * change(&param.name, i)).collect();
        Param { data, ..param.clone() }
    });
    Weights::from_params(params.collect()).unwrap()
}

/// The same function as [`tiny`], with features past the range of f16: between the convolutions of one block, and in
/// the trunk of the second stage's shallow features.
pub fn loud() -> Weights {
    const GAIN: f32 = 65_536.0;
    let tiny = tiny();
    let columns = 2 * tiny.config().n_feat as usize;
    changed(&tiny, |key, i| match key {
        "stage1_encoder.encoder_level2.1.body.0.weight"
        | "stage1_encoder.encoder_level2.1.body.0.bias"
        | "shallow_feat2.0.weight"
        | "shallow_feat2.0.bias"
        | "shallow_feat2.1.body.2.weight"
        | "shallow_feat2.1.body.2.bias" => GAIN,
        "stage1_encoder.encoder_level2.1.body.2.weight"
        | "shallow_feat2.1.body.0.weight"
        | "shallow_feat2.1.CA.conv_du.0.weight" => 1.0 / GAIN,
        "concat12.weight" if i / 9 % columns < columns / 2 => 1.0 / GAIN,
        _ => 1.0,
    })
}

/// A network with weights past f16's range in front of a sigmoid, whose scale cannot be moved.
pub fn steep() -> Weights {
    changed(&tiny(), |key, _| if key == "sam12.conv3.weight" { 1e7 } else { 1.0 })
}
