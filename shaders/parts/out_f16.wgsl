alias Out = vec4<f16>;

fn narrow_out(v: vec4<f32>) -> Out {
    let half = vec4<f16>(to_nearest(v));
    // The square of what f16 has at its end is infinite.
    return select(half, half * half, overflows(v));
}
