alias Out = vec2<u64>;

fn narrow_out(v: vec4<f32>) -> Out {
    return words(v);
}
