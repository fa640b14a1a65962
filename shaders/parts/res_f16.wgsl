alias Res = vec4<f16>;

fn widen_res(v: Res) -> vec4<f32> {
    return vec4<f32>(v);
}
