// Two quads in 16 bytes, two f16 in each word.
alias Out = vec4<u32>;

fn narrow_out(v: mat2x4<f32>) -> Out {
    return vec4<u32>(
        pack2x16float(v[0].xy),
        pack2x16float(v[0].zw),
        pack2x16float(v[1].xy),
        pack2x16float(v[1].zw),
    );
}
