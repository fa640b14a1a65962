// Two f16 in each word, for adapters without 16-bit types.
alias Out = vec2<u32>;

fn narrow_out(v: vec4<f32>) -> Out {
    return halves(v);
}
