// The register block of a convolution on GPUs: a lane owns 4 pixels of a row times 8 output channels, 32 sums, which
// leave registers for enough subgroups to wait for each other's loads.
//
//   workgroup: 4 cells side by side x 8 outputs        lane (row of the cells, 4 pixels of the row)
//
// All lanes have the same outputs, so weights are uniform: scalar registers on AMD, one load for a subgroup on Intel
// and Adreno. Where the pixels of a row lie is found once for all inputs.
//
// Weights are laid out as for block.wgsl.

// vec4 of weights that one input quad has for one tap and a group of outputs.
const TAP: i32 = 8;
// Lanes that have pixels of the same cell and outputs, for pooling.
const PARTS: i32 = 16;

var<private> a0: vec4<f32>;
var<private> a1: vec4<f32>;
var<private> a2: vec4<f32>;
var<private> a3: vec4<f32>;
var<private> b0: vec4<f32>;
var<private> b1: vec4<f32>;
var<private> b2: vec4<f32>;
var<private> b3: vec4<f32>;

// Numbers of the inputs' pixels from the one to the left of the run on; -1 past a border.
var<private> n0: i32;
var<private> n1: i32;
var<private> n2: i32;
var<private> n3: i32;
var<private> n4: i32;
var<private> n5: i32;

fn run_of(wg: vec3<u32>, lane: vec3<u32>) -> Run {
    var t = run_tile(wg.x, wg.y, 4);
    t.cell_x += i32(lane.y) / 2;
    t.x += i32(lane.y) / 2 * 8;
    // A cell past the patch has no rows. Nothing but the workgroup decides on the outputs, or weights are not uniform.
    let y = select(t.bottom, t.y + i32(lane.x), t.x < t.right);
    return Run(t, y, t.x + i32(lane.y) % 2 * 4, 2 * i32(wg.z));
}

fn begin(c: i32) {
    let a = bias[c];
    let b = bias[c + 1];
    a0 = a; a1 = a; a2 = a; a3 = a;
    b0 = b; b1 = b; b2 = b; b3 = b;
}

fn number_in(r: Run, y: i32, col: i32) -> i32 {
    return select(-1, number(y, col), col >= r.t.left && col < r.t.right);
}

// Turns to the inputs of row `y`, for `row`.
fn aim(r: Run, y: i32) {
    n0 = number_in(r, y, r.x - 1);
    n1 = number_in(r, y, r.x);
    n2 = number_in(r, y, r.x + 1);
    n3 = number_in(r, y, r.x + 2);
    n4 = number_in(r, y, r.x + 3);
    n5 = number_in(r, y, r.x + 4);
}

// Turns to the inputs of the run itself, for `point`. What lies past a border is not stored, whatever it is.
fn aim_inside(r: Run) {
    let last = r.t.right - 1;
    n1 = number(r.y, min(r.x, last));
    n2 = number(r.y, min(r.x + 1, last));
    n3 = number(r.y, min(r.x + 2, last));
    n4 = number(r.y, min(r.x + 3, last));
}

// Past a border, a pixel is read that is sure to lie in what is bound.
fn numbered(n: i32, i: i32) -> vec4<f32> {
    return select(vec4<f32>(0.0), fetch_number(select(number(p.first_row, 0), n, n >= 0), i), n >= 0);
}

// One tap of one input quad over the block's four pixels.
fn column(w: i32, v0: vec4<f32>, v1: vec4<f32>, v2: vec4<f32>, v3: vec4<f32>) {
    let p0 = weight_at(w);
    let p1 = weight_at(w + 1);
    let p2 = weight_at(w + 2);
    let p3 = weight_at(w + 3);
    a0 = mac(a0, v0, p0, p1, p2, p3);
    a1 = mac(a1, v1, p0, p1, p2, p3);
    a2 = mac(a2, v2, p0, p1, p2, p3);
    a3 = mac(a3, v3, p0, p1, p2, p3);
    let q0 = weight_at(w + 4);
    let q1 = weight_at(w + 5);
    let q2 = weight_at(w + 6);
    let q3 = weight_at(w + 7);
    b0 = mac(b0, v0, q0, q1, q2, q3);
    b1 = mac(b1, v1, q0, q1, q2, q3);
    b2 = mac(b2, v2, q0, q1, q2, q3);
    b3 = mac(b3, v3, q0, q1, q2, q3);
}

// A row of taps of one input quad.
fn row(r: Run, y: i32, w: i32, i: i32) {
    let v0 = numbered(n0, i);
    let v1 = numbered(n1, i);
    let v2 = numbered(n2, i);
    let v3 = numbered(n3, i);
    let v4 = numbered(n4, i);
    let v5 = numbered(n5, i);
    column(w, v0, v1, v2, v3);
    column(w + TAP, v1, v2, v3, v4);
    column(w + 2 * TAP, v2, v3, v4, v5);
}

// The tap of a 1x1 convolution of one input quad.
fn point(r: Run, w: i32, i: i32) {
    column(w, fetch_number(n1, i), fetch_number(n2, i), fetch_number(n3, i), fetch_number(n4, i));
}

fn finish(r: Run) -> Sums {
    var s = Sums(vec4<f32>(0.0), vec4<f32>(0.0));
    s = put(s, r, r.x, a0, b0);
    s = put(s, r, r.x + 1, a1, b1);
    s = put(s, r, r.x + 2, a2, b2);
    s = put(s, r, r.x + 3, a3, b3);
    return s;
}
