// An image as 8-bit pixels: clamped to [0, 1], times 255, rounded half to even; red is the lowest byte, the highest
// is 255. WGSL's pack4x8unorm rounds half up instead.
//
// A pixel that is not finite (f16 storage overflows at 65,504) becomes 0 in all four bytes, so that the host can tell.
// Bits are tested, since compilers may assume that floats are finite.
alias Out = u32;

const EXPONENT: vec3<u32> = vec3<u32>(0x7f800000u);

fn narrow_out(v: vec4<f32>) -> Out {
    if any((bitcast<vec3<u32>>(v.xyz) & EXPONENT) == EXPONENT) {
        return 0u;
    }
    let bytes = vec3<u32>(round(clamp(v.xyz, vec3<f32>(0.0), vec3<f32>(1.0)) * 255.0));
    return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | 0xff000000u;
}
