// 1 / (1 + e^-v). The exponent is bounded because WGSL lets compilers assume that nothing overflows; at the bound the
// gate is 2e-35, as good as closed.
fn sigmoid(v: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(-max(v, vec4<f32>(-80.0))));
}
