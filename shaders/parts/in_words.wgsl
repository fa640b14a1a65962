// 8-bit pixels as an image in [0, 1]: v / 255. Red is the lowest byte of a word; the highest is not read.
alias In = u32;

fn widen_in(word: In) -> vec4<f32> {
    let bytes = vec3<u32>(word, word >> 8u, word >> 16u) & vec3<u32>(255u);
    return vec4<f32>(vec3<f32>(bytes) / 255.0, 0.0);
}
