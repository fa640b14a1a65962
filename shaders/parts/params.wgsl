// The uniform block of every operator; `kernels::Params` in Rust.
//
// Tensors are [height][width][quads] of four channels: rows are contiguous, so a dispatch that computes a window
// of rows binds only those it reads and writes. `base` is the element of row 0, column 0 relative to the binding,
// and so negative where the binding starts later. Of a large tensor it wraps around 2^31, and so may what is added to
// it: their sum alone is an element's place, and nothing else may be asked of either. Scratch memory is
// [planes][width][items]: `quads` counts items there, pairs of quads or quads.

struct View {
    base: i32,
    width: i32,
    height: i32,
    quads: i32,
}

struct Params {
    dst: View,
    dst2: View,
    x: View,
    x2: View,
    residual: View,
    gates: View,
    // Of one patch: height, width, cells from top to bottom, cells from left to right.
    patch_height: i32,
    patch_width: i32,
    cell_rows: i32,
    cell_cols: i32,
    // The window: rows of pixels, and rows of cells.
    first_row: i32,
    rows: i32,
    first_cell_row: i32,
    window_cell_rows: i32,
    // The strip: columns of cells.
    first_column: i32,
    columns: i32,
    // Channels of x, and hidden channels of an attention.
    channels: i32,
    hidden: i32,
    // PReLU slope, pixels of a patch, or strength.
    scalar: f32,
}

@group(0) @binding(0) var<uniform> p: Params;

fn at(v: View, y: i32, x: i32, c: i32) -> i32 {
    return v.base + (y * v.width + x) * v.quads + c;
}
