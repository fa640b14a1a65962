alias Res = vec2<u64>;

fn widen_res(v: Res) -> vec4<f32> {
    return floats(v);
}
