// The input is one tensor.

@group(0) @binding(5) var<storage, read> x: array<In>;

fn source_quads() -> i32 {
    return p.x.quads;
}

// The quad `c` of a pixel, counted along rows, as it is stored.
fn fetch_at(pixel: i32, c: i32) -> In {
    return x[p.x.base + pixel * p.x.quads + c];
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    return widen_in(x[at(p.x, y, col, c)]);
}
