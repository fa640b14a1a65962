// A convolution's input is the concatenation of two tensors, each read where it lies. The branch is uniform: a
// workgroup's lanes are at the same channel.

@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(6) var<storage, read> x2: array<In>;

fn source_quads() -> i32 {
    return p.x.quads + p.x2.quads;
}

// The quad `c` of a pixel, counted along rows, as it is stored.
fn fetch_at(pixel: i32, c: i32) -> In {
    if c < p.x.quads {
        return x[p.x.base + pixel * p.x.quads + c];
    }
    return x2[p.x2.base + pixel * p.x2.quads + c - p.x.quads];
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    if c < p.x.quads {
        return widen_in(x[at(p.x, y, col, c)]);
    }
    return widen_in(x2[at(p.x2, y, col, c - p.x.quads)]);
}
