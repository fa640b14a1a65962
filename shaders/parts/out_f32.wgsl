alias Out = vec4<f32>;

fn narrow_out(v: vec4<f32>) -> Out {
    return v;
}
