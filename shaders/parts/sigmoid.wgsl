// 1 / (1 + e^-v). The exponent is bounded because WGSL lets compilers assume that nothing overflows; 1 / (1 + e^80) is
// 0 to f32 beside anything it is multiplied with.
fn sigmoid(v: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(-max(v, vec4<f32>(-80.0))));
}
