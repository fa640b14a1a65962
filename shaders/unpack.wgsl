// 8-bit pixels to an image in [0, 1]: v / 255. Red is the lowest byte of a word; the highest is not read.

// [height][width]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> x: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let word = x[at(p.x, i.y, i.x, 0)];
        let bytes = vec3<u32>(word, word >> 8u, word >> 16u) & vec3<u32>(255u);
        dst[at(p.dst, i.y, i.x, 0)] = vec4<f32>(vec3<f32>(bytes) / 255.0, 0.0);
    }
}
