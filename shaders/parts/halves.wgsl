// What f16 does not hold, and what is no number, is stored as infinity: WGSL leaves open what conversions make of it,
// and some of DX12's make 65,504, a finite picture that is wrong. It may take its quad with it, since results with
// infinity in them are computed anew in f32.

// Whether rounding to f16 leads beyond its largest number: from half a unit in the last place above 65,504 on. Bits are
// tested, since compilers may assume that floats are finite.
fn overflows(v: vec4<f32>) -> bool {
    let bits = bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu);
    let pairs = max(bits.xy, bits.zw);
    return max(pairs.x, pairs.y) >= 0x477ff000u;
}

// Two f16 in each word.
fn halves(v: vec4<f32>) -> vec2<u32> {
    return select(vec2<u32>(pack2x16float(v.xy), pack2x16float(v.zw)), vec2<u32>(0x7c007c00u), overflows(v));
}
