// Bilinear x0.5, align_corners false: the mean of each 2x2, which is what parts/source_half.wgsl reads.

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch(y, col, c);
}
