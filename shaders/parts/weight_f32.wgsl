alias Weight = vec4<f32>;

fn widen_weight(v: Weight) -> vec4<f32> {
    return v;
}
