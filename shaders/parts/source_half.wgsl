// The input is a tensor at half size: bilinear x0.5 without aligned corners is the mean of each 2x2.

@group(0) @binding(5) var<storage, read> x: array<In>;

fn source_quads() -> i32 {
    return p.x.quads;
}

// The number of the first of four pixels, counted along rows, and a quad of their mean.
fn number(y: i32, col: i32) -> i32 {
    return 2 * (y * p.x.width + col);
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch_number(number(y, col), c);
}

fn fetch_number(number: i32, c: i32) -> vec4<f32> {
    return fetch_at(p.x.base + number * p.x.quads + c, c);
}

// The mean of four pixels, by where the first one's quad is.
fn fetch_at(place: i32, c: i32) -> vec4<f32> {
    let below = place + p.x.width * p.x.quads;
    let upper = widen_in(x[place]) + widen_in(x[place + p.x.quads]);
    return 0.25 * (upper + (widen_in(x[below]) + widen_in(x[below + p.x.quads])));
}
