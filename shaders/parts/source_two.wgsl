// A convolution's input is the concatenation of two tensors, each read where it lies. The branch is uniform: a
// workgroup's lanes are at the same channel.

@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(6) var<storage, read> x2: array<In>;

fn source_quads() -> i32 {
    return p.x.quads + p.x2.quads;
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    if c < p.x.quads {
        return widen_in(x[at(p.x, y, col, c)]);
    }
    return widen_in(x2[at(p.x2, y, col, c - p.x.quads)]);
}

// Where a pixel's quad is, as the sum of its row's part and its column's: what many pixels share is computed once.
fn row_place(y: i32, c: i32) -> i32 {
    return select(at(p.x2, y, 0, c - p.x.quads), at(p.x, y, 0, c), c < p.x.quads);
}

fn col_place(col: i32, c: i32) -> i32 {
    return col * select(p.x2.quads, p.x.quads, c < p.x.quads);
}

fn fetch_place(place: i32, c: i32) -> vec4<f32> {
    if c < p.x.quads {
        return widen_in(x[place]);
    }
    return widen_in(x2[place]);
}
