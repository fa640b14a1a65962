@group(0) @binding(1) var<storage, read> weights: array<vec4<f16>>;

fn weight(i: i32) -> vec4<f32> {
    return vec4<f32>(weights[i]);
}
