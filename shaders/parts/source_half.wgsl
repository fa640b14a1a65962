// The input is a tensor at half size: bilinear x0.5 without aligned corners is the mean of each 2x2.

@group(0) @binding(5) var<storage, read> x: array<In>;

fn source_quads() -> i32 {
    return p.x.quads;
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch_place(at(p.x, 2 * y, 2 * col, c), c);
}

// Where a pixel's quad is, as the sum of its row's part and its column's: what many pixels share is computed once.
fn row_place(y: i32, c: i32) -> i32 {
    return at(p.x, 2 * y, 0, c);
}

fn col_place(col: i32, c: i32) -> i32 {
    return 2 * col * p.x.quads;
}

fn fetch_place(i: i32, c: i32) -> vec4<f32> {
    let below = i + p.x.width * p.x.quads;
    let upper = widen_in(x[i]) + widen_in(x[i + p.x.quads]);
    return 0.25 * (upper + (widen_in(x[below]) + widen_in(x[below + p.x.quads])));
}
