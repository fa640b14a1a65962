// The register block of a convolution on software adapters: a lane owns 8 pixels of a row times 8 output channels, 64
// sums, so that each loaded activation serves 8 multiply-adds and each loaded weight 8. Sums are named, not an array:
// indexed private arrays end up in memory on some drivers.
//
//   workgroup: a cell of 8x8 pixels x 64 outputs        lane (row of the cell, group of 8 outputs)
//
// A row of lanes shares its weights (uniform loads, or one cache line); lanes of a column share their inputs.
//
// Weights are [group of 8 outputs][ky][input quad][kx][output quad of the group][input of the quad] of vec4 over
// four outputs: what one step of the inner loop reads is contiguous. `weight_at` reads one, from wherever it lies.

// vec4 of weights that one input quad has for one tap and a group of outputs.
const TAP: i32 = 8;
// Lanes that have pixels of the same cell and outputs, for pooling.
const PARTS: i32 = 8;

fn run_of(wg: vec3<u32>, lane: vec3<u32>) -> Run {
    let t = tile(wg.x, wg.y);
    return Run(t, t.y + i32(lane.x), t.x, 2 * i32(wg.z * 8u + lane.y));
}

var<private> a0: vec4<f32>;
var<private> a1: vec4<f32>;
var<private> a2: vec4<f32>;
var<private> a3: vec4<f32>;
var<private> a4: vec4<f32>;
var<private> a5: vec4<f32>;
var<private> a6: vec4<f32>;
var<private> a7: vec4<f32>;
var<private> b0: vec4<f32>;
var<private> b1: vec4<f32>;
var<private> b2: vec4<f32>;
var<private> b3: vec4<f32>;
var<private> b4: vec4<f32>;
var<private> b5: vec4<f32>;
var<private> b6: vec4<f32>;
var<private> b7: vec4<f32>;

fn begin(c: i32) {
    let a = bias[c];
    let b = bias[c + 1];
    a0 = a; a1 = a; a2 = a; a3 = a; a4 = a; a5 = a; a6 = a; a7 = a;
    b0 = b; b1 = b; b2 = b; b3 = b; b4 = b; b5 = b; b6 = b; b7 = b;
}

// One tap of one input quad over the block's eight pixels.
fn column(
    w: i32,
    v0: vec4<f32>, v1: vec4<f32>, v2: vec4<f32>, v3: vec4<f32>,
    v4: vec4<f32>, v5: vec4<f32>, v6: vec4<f32>, v7: vec4<f32>,
) {
    let p0 = weight_at(w);
    let p1 = weight_at(w + 1);
    let p2 = weight_at(w + 2);
    let p3 = weight_at(w + 3);
    a0 = mac(a0, v0, p0, p1, p2, p3);
    a1 = mac(a1, v1, p0, p1, p2, p3);
    a2 = mac(a2, v2, p0, p1, p2, p3);
    a3 = mac(a3, v3, p0, p1, p2, p3);
    a4 = mac(a4, v4, p0, p1, p2, p3);
    a5 = mac(a5, v5, p0, p1, p2, p3);
    a6 = mac(a6, v6, p0, p1, p2, p3);
    a7 = mac(a7, v7, p0, p1, p2, p3);
    let q0 = weight_at(w + 4);
    let q1 = weight_at(w + 5);
    let q2 = weight_at(w + 6);
    let q3 = weight_at(w + 7);
    b0 = mac(b0, v0, q0, q1, q2, q3);
    b1 = mac(b1, v1, q0, q1, q2, q3);
    b2 = mac(b2, v2, q0, q1, q2, q3);
    b3 = mac(b3, v3, q0, q1, q2, q3);
    b4 = mac(b4, v4, q0, q1, q2, q3);
    b5 = mac(b5, v5, q0, q1, q2, q3);
    b6 = mac(b6, v6, q0, q1, q2, q3);
    b7 = mac(b7, v7, q0, q1, q2, q3);
}

// Turns to the inputs of row `y`, for `row`.
fn aim(r: Run, y: i32) {
}

// Turns to the inputs of the run itself, for `point`.
fn aim_inside(r: Run) {
}

fn beside(r: Run, y: i32, col: i32, i: i32) -> vec4<f32> {
    let inside = col >= r.t.left && col < r.t.right;
    return select(vec4<f32>(0.0), fetch(y, clamp(col, r.t.left, r.t.right - 1), i), inside);
}

// A row of taps of one input quad.
fn row(r: Run, y: i32, w: i32, i: i32) {
    let v0 = beside(r, y, r.x - 1, i);
    let v1 = beside(r, y, r.x, i);
    let v2 = beside(r, y, r.x + 1, i);
    let v3 = beside(r, y, r.x + 2, i);
    let v4 = beside(r, y, r.x + 3, i);
    let v5 = beside(r, y, r.x + 4, i);
    let v6 = beside(r, y, r.x + 5, i);
    let v7 = beside(r, y, r.x + 6, i);
    let v8 = beside(r, y, r.x + 7, i);
    let v9 = beside(r, y, r.x + 8, i);
    column(w, v0, v1, v2, v3, v4, v5, v6, v7);
    column(w + TAP, v1, v2, v3, v4, v5, v6, v7, v8);
    column(w + 2 * TAP, v2, v3, v4, v5, v6, v7, v8, v9);
}

// The tap of a 1x1 convolution of one input quad.
fn point(r: Run, w: i32, i: i32) {
    let last = r.t.right - 1;
    column(
        w,
        fetch(r.y, r.x, i),
        fetch(r.y, min(r.x + 1, last), i),
        fetch(r.y, min(r.x + 2, last), i),
        fetch(r.y, min(r.x + 3, last), i),
        fetch(r.y, min(r.x + 4, last), i),
        fetch(r.y, min(r.x + 5, last), i),
        fetch(r.y, min(r.x + 6, last), i),
        fetch(r.y, min(r.x + 7, last), i),
    );
}

fn finish(r: Run) -> Sums {
    var s = Sums(vec4<f32>(0.0), vec4<f32>(0.0));
    s = put(s, r, r.x, a0, b0);
    s = put(s, r, r.x + 1, a1, b1);
    s = put(s, r, r.x + 2, a2, b2);
    s = put(s, r, r.x + 3, a3, b3);
    s = put(s, r, r.x + 4, a4, b4);
    s = put(s, r, r.x + 5, a5, b5);
    s = put(s, r, r.x + 6, a6, b6);
    s = put(s, r, r.x + 7, a7, b7);
    return s;
}
