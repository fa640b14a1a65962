alias Out = vec4<f16>;

fn narrow_out(v: vec4<f32>) -> Out {
    return vec4<f16>(v);
}
