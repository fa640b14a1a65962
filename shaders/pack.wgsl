// An image to 8-bit pixels: parts/out_words.wgsl is the function itself.

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch(y, col, c);
}
