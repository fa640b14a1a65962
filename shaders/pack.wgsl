// An image to 8-bit pixels: clamped to [0, 1], times 255, rounded half to even. The highest byte is 255.
// WGSL's pack4x8unorm rounds half up instead.

// [height][width]
@group(0) @binding(3) var<storage, read_write> dst: array<u32>;
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let v = clamp(x[at(p.x, i.y, i.x, 0)].xyz, vec3<f32>(0.0), vec3<f32>(1.0));
        let bytes = vec3<u32>(round(v * 255.0));
        dst[at(p.dst, i.y, i.x, 0)] = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | 0xff000000u;
    }
}
