alias Res = vec4<f32>;

fn widen_res(v: Res) -> vec4<f32> {
    return v;
}
