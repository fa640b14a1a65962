// Two quads in 16 bytes, two f16 in each word.
alias Out = vec4<u32>;

fn narrow_out(v: mat2x4<f32>) -> Out {
    return vec4<u32>(halves(v[0]), halves(v[1]));
}
