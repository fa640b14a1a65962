// An image as 8-bit pixels: clamped to [0, 1], times 255, rounded half to even; red is the lowest byte, the highest
// is 255. WGSL's pack4x8unorm rounds half up instead.
alias Out = u32;

fn narrow_out(v: vec4<f32>) -> Out {
    let bytes = vec3<u32>(round(clamp(v.xyz, vec3<f32>(0.0), vec3<f32>(1.0)) * 255.0));
    return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | 0xff000000u;
}
