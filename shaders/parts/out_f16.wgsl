alias Out = vec4<f16>;

fn narrow_out(v: vec4<f32>) -> Out {
    let largest = largest_bits(v);
    let half = vec4<f16>(to_nearest(v));
    // What is no number counts as infinite. The square of what f16 has at its end is, too.
    let end = f16(bitcast<f32>(min(largest, 0x7f800000u)));
    return select(half, vec4<f16>(end * end), largest >= BEYOND_F16);
}
