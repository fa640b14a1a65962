alias In = vec4<f16>;

fn widen_in(v: In) -> vec4<f32> {
    return vec4<f32>(v);
}
