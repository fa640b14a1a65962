// 1 / (1 + e^-v). Where e^-v overflows to infinity the quotient is still 0, as it should be.
fn sigmoid(v: vec4<f32>) -> vec4<f32> {
    return 1.0 / (1.0 + exp(-v));
}
