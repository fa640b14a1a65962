// What f16 does not hold, and what is no number, is stored as infinity: WGSL leaves open what conversions make of it, and
// some of DX12's make 65,504, a finite picture that is wrong.

// Whether rounding to f16 leads beyond its largest number: from half a unit in the last place above 65,504 on. Bits are
// tested, since compilers may assume that floats are finite.
fn overflows(v: vec4<f32>) -> vec4<bool> {
    return (bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu)) >= vec4<u32>(0x477ff000u);
}

// Two f16 in each word.
fn halves(v: vec4<f32>) -> vec2<u32> {
    let over = overflows(v);
    let low = select(vec2<u32>(0u), vec2<u32>(0x0000ffffu), over.xz);
    let high = select(vec2<u32>(0u), vec2<u32>(0xffff0000u), over.yw);
    let lost = low | high;
    let packed = vec2<u32>(pack2x16float(v.xy), pack2x16float(v.zw));
    return (packed & ~lost) | (vec2<u32>(0x7c007c00u) & lost);
}
