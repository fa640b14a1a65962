alias In = vec2<u64>;

fn widen_in(v: In) -> vec4<f32> {
    return floats(v);
}
