// What a lane of conv3x3/tiled.wgsl has in registers on GPUs: 8 pixels of a row x 4 outputs, 32 sums.
//
// Inputs lie in workgroup memory one channel after the other, so that a lane holds a row of 10 of one channel and the
// weights of its three taps, 22 registers, while it does 96 multiply-adds; by quads of channels it would hold 88 for
// four times as many. A row is read by 16 bytes, with the pixel to the left of the run first. Rows are WIDTH apart, an
// odd number of those: eight rows lie in different banks.

// Quads of outputs, and vec4 of weights that an input quad has for one tap of them.
const QUADS: i32 = 1;
const TAP: i32 = 4;
// Lanes that have pixels of the same cell and outputs, for pooling.
const PARTS: i32 = 8;
// A row of the cells with the pixels around them, padded to quads; 10 of them, of one channel.
const WIDTH: i32 = 8 * CELLS + 4;
const PLANE: i32 = 10 * WIDTH;

// [channel][row][pixel]
var<workgroup> sh_x: array<f32, 4 * PLANE>;

var<private> s0: vec4<f32>;
var<private> s1: vec4<f32>;
var<private> s2: vec4<f32>;
var<private> s3: vec4<f32>;
var<private> s4: vec4<f32>;
var<private> s5: vec4<f32>;
var<private> s6: vec4<f32>;
var<private> s7: vec4<f32>;

fn put_pixel(place: i32, v: vec4<f32>) {
    sh_x[place] = v.x;
    sh_x[place + PLANE] = v.y;
    sh_x[place + 2 * PLANE] = v.z;
    sh_x[place + 3 * PLANE] = v.w;
}

fn begin(c: i32) {
    let b = bias[c];
    s0 = b; s1 = b; s2 = b; s3 = b; s4 = b; s5 = b; s6 = b; s7 = b;
}

fn taps(sum: vec4<f32>, a: f32, b: f32, c: f32, w0: vec4<f32>, w1: vec4<f32>, w2: vec4<f32>) -> vec4<f32> {
    return fma(vec4<f32>(c), w2, fma(vec4<f32>(b), w1, fma(vec4<f32>(a), w0, sum)));
}

// A row of taps of one channel, from the place before the run and its weights on.
fn channel(x: i32, w: i32) {
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
    let w0 = weight_at(w);
    let w1 = weight_at(w + TAP);
    let w2 = weight_at(w + 2 * TAP);
    s0 = taps(s0, v0, v1, v2, w0, w1, w2);
    s1 = taps(s1, v1, v2, v3, w0, w1, w2);
    s2 = taps(s2, v2, v3, v4, w0, w1, w2);
    s3 = taps(s3, v3, v4, v5, w0, w1, w2);
    s4 = taps(s4, v4, v5, v6, w0, w1, w2);
    s5 = taps(s5, v5, v6, v7, w0, w1, w2);
    s6 = taps(s6, v6, v7, v8, w0, w1, w2);
    s7 = taps(s7, v7, v8, v9, w0, w1, w2);
}

// A row of taps of one input quad.
fn line(x: i32, w: i32) {
    channel(x, w);
    channel(x + PLANE, w + 1);
    channel(x + 2 * PLANE, w + 2);
    channel(x + 3 * PLANE, w + 3);
}

// Stores one pixel, if it lies in the patch, and gives what is stored.
fn put(y: i32, col: i32, right: i32, c: i32, sum: vec4<f32>) -> vec4<f32> {
    var v = vec4<f32>(0.0);
    if col < right {
        v = epilogue(sum, y, col, c);
        dst[at(p.dst, y, col, c)] = narrow_out(v);
    }
    return v;
}

// Stores the run of a row in a cell, if it is one, and what that adds to the cell's sums. All lanes call this.
fn end(t: Tile, y: i32, c: i32, place: i32) {
    var total = vec4<f32>(0.0);
    if y < t.bottom && c < p.dst.quads {
        total += put(y, t.x, t.right, c, s0);
        total += put(y, t.x + 1, t.right, c, s1);
        total += put(y, t.x + 2, t.right, c, s2);
        total += put(y, t.x + 3, t.right, c, s3);
        total += put(y, t.x + 4, t.right, c, s4);
        total += put(y, t.x + 5, t.right, c, s5);
        total += put(y, t.x + 6, t.right, c, s6);
        total += put(y, t.x + 7, t.right, c, s7);
    }
    pool(t, c, place, total);
}
