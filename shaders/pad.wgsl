// An image padded on the right and at the bottom by its own reflection, which does not repeat the edge; with
// parts/in_words.wgsl of 8-bit pixels, so that padding them is no pass over memory of its own.

// The row or column that stands at place i of the padded image: there and back again with a period of 2 * (side - 1),
// which may be shorter than the padding. A side of one pixel, whose period would be none, repeats that pixel.
fn reflected(i: i32, side: i32) -> i32 {
    let period = max(2 * (side - 1), 1);
    let phase = i % period;
    return min(phase, period - phase);
}

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch(reflected(y, p.x.height), reflected(col, p.x.width), c);
}
