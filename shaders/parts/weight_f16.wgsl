alias Weight = vec4<f16>;

fn widen_weight(v: Weight) -> vec4<f32> {
    return vec4<f32>(v);
}
