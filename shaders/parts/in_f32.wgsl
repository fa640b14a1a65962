alias In = vec4<f32>;

fn widen_in(v: In) -> vec4<f32> {
    return v;
}
