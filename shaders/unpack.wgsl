// 8-bit pixels to an image in [0, 1]: v / 255. Red is the lowest byte of a word; the highest is not read.

// [height][width]
@group(0) @binding(5) var<storage, read> x: array<u32>;

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    let word = x[at(p.x, y, col, c)];
    let bytes = vec3<u32>(word, word >> 8u, word >> 16u) & vec3<u32>(255u);
    return vec4<f32>(vec3<f32>(bytes) / 255.0, 0.0);
}
