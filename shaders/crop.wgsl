// The top left corner of an image, as large as the result is; with parts/out_words.wgsl as 8-bit pixels, so that
// cropping is no pass over memory of its own.

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch(y, col, c);
}
