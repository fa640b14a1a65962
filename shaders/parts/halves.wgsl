// Features are stored in f16 as IEEE 754 rounds them, on every driver: WGSL leaves open how conversions round, and what
// they make of numbers that f16 does not hold. Of those some of DX12's make 65,504, a finite picture that is wrong. They
// are stored as infinity here, or as what is no number, and may take their quad with them, since results with either in
// them are computed anew in f32.

// The bits of the largest magnitude, and those from which rounding to f16 leads beyond its largest number: half a unit in
// the last place above 65,504. Bits are compared, since compilers may assume that floats are finite.
const BEYOND_F16: u32 = 0x477ff000u;
fn largest_bits(v: vec4<f32>) -> u32 {
    let bits = bitcast<vec4<u32>>(v) & vec4<u32>(0x7fffffffu);
    let pairs = max(bits.xy, bits.zw);
    return max(pairs.x, pairs.y);
}

// The values of f16 that are nearest, half of the way to the even one, so that nothing is left for a conversion to round:
// AMD's packed one and Direct3D's cut off, and what is always cut off adds up in a trunk of residuals. Numbers below
// f16's normal ones have fewer bits than are kept here; of them 2^-24 may be cut off. What is no number may become
// one, even 0.
fn to_nearest(v: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(v);
    let odd = (bits >> vec4<u32>(13u)) & vec4<u32>(1u);
    return bitcast<vec4<f32>>((bits + odd + vec4<u32>(0xfffu)) & vec4<u32>(0xffffe000u));
}

// Two f16 in each word.
fn halves(v: vec4<f32>) -> vec2<u32> {
    let near = to_nearest(v);
    let words = vec2<u32>(pack2x16float(near.xy), pack2x16float(near.zw));
    return select(words, vec2<u32>(0x7c007c00u), largest_bits(v) >= BEYOND_F16);
}
