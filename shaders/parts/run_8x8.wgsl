// What a lane of conv3x3/tiled.wgsl has in registers on software adapters: the block of block.wgsl. There a load is
// paid by the lane, whatever memory it is from, so inputs lie in workgroup memory by quads of channels, and few are
// read.

// Quads of outputs.
const QUADS: i32 = 2;
// A row of the cells with the pixels around them, padded to an odd number, and 10 of them.
const WIDTH: i32 = 8 * CELLS + 3;
const PLANE: i32 = 10 * WIDTH;

// [row][pixel]
var<workgroup> sh_x: array<vec4<f32>, PLANE>;

fn put_pixel(place: i32, v: vec4<f32>) {
    sh_x[place] = v;
}

// A row of taps of one input quad, from the place before the run and its weights on.
fn line(x: i32, w: i32) {
    let v0 = sh_x[x];
    let v1 = sh_x[x + 1];
    let v2 = sh_x[x + 2];
    let v3 = sh_x[x + 3];
    let v4 = sh_x[x + 4];
    let v5 = sh_x[x + 5];
    let v6 = sh_x[x + 6];
    let v7 = sh_x[x + 7];
    let v8 = sh_x[x + 8];
    let v9 = sh_x[x + 9];
    column(w, v0, v1, v2, v3, v4, v5, v6, v7);
    column(w + TAP, v1, v2, v3, v4, v5, v6, v7, v8);
    column(w + 2 * TAP, v2, v3, v4, v5, v6, v7, v8, v9);
}

// Stores the run of a row in a cell, if it is one, and what that adds to the cell's sums. All lanes call this.
fn end(t: Tile, y: i32, c: i32, place: i32) {
    var sums = Sums(vec4<f32>(0.0), vec4<f32>(0.0));
    if y < t.bottom && c < p.dst.quads {
        sums = finish(Run(t, y, t.x, c));
    }
    pool(t, c, place, sums.a);
    pool(t, c + 1, place, sums.b);
}
