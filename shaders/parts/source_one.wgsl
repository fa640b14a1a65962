// The input is one tensor.

@group(0) @binding(5) var<storage, read> x: array<In>;

fn source_quads() -> i32 {
    return p.x.quads;
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    return widen_in(x[at(p.x, y, col, c)]);
}

// Where a pixel's quad is, as the sum of its row's part and its column's: what many pixels share is computed once.
fn row_place(y: i32, c: i32) -> i32 {
    return at(p.x, y, 0, c);
}

fn col_place(col: i32, c: i32) -> i32 {
    return col * p.x.quads;
}

fn fetch_place(place: i32, c: i32) -> vec4<f32> {
    return widen_in(x[place]);
}
