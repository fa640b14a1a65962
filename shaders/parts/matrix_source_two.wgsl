// The input is the concatenation of two tensors, each read where it lies, in slices of four quads of one of them: all
// lanes take the same branch.

@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(6) var<storage, read> x2: array<In>;

fn first_slices() -> i32 {
    return (p.x.quads + 3) / 4;
}

fn source_slices() -> i32 {
    return first_slices() + (p.x2.quads + 3) / 4;
}

// The tensor of a slice.
fn source(slice: i32) -> View {
    if slice < first_slices() {
        return p.x;
    }
    return p.x2;
}

// The first quad of a slice in its tensor.
fn source_quad(slice: i32) -> i32 {
    return 4 * select(slice - first_slices(), slice, slice < first_slices());
}

// The number of a pixel, which is the same in both.
fn locate(y: i32, col: i32) -> i32 {
    return y * p.x.width + col;
}

// A quad of a slice at a pixel, or the last one where there are fewer.
fn fetch(pixel: i32, slice: i32, quad: i32) -> In {
    let v = source(slice);
    let i = v.base + pixel * v.quads + min(source_quad(slice) + quad, v.quads - 1);
    if slice < first_slices() {
        return x[i];
    }
    return x2[i];
}

fn present(slice: i32, quad: i32) -> bool {
    return source_quad(slice) + quad < source(slice).quads;
}
