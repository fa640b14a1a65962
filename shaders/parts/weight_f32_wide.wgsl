alias Weight = vec2<u64>;

fn widen_weight(v: Weight) -> vec4<f32> {
    return floats(v);
}
