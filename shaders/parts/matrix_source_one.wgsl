// The input is one tensor, in slices of four quads.

@group(0) @binding(5) var<storage, read> x: array<In>;

fn source_slices() -> i32 {
    return (p.x.quads + 3) / 4;
}

// Where a pixel is.
fn locate(y: i32, col: i32) -> i32 {
    return at(p.x, y, col, 0);
}

// A quad of a slice at a pixel, or the last one where there are fewer.
fn fetch(pixel: i32, slice: i32, quad: i32) -> In {
    return x[pixel + min(4 * slice + quad, p.x.quads - 1)];
}

fn present(slice: i32, quad: i32) -> bool {
    return 4 * slice + quad < p.x.quads;
}
