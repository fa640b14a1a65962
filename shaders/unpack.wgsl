// 8-bit pixels to an image: parts/in_words.wgsl is the function itself.

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch(y, col, c);
}
