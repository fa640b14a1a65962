// The register block of a convolution: a lane owns 8 pixels of a row times 8 output channels, 64 sums, so that
// each loaded activation serves 8 multiply-adds and each loaded weight 8. Sums are named, not an array: indexed
// private arrays end up in memory on some drivers.
//
// Weights are [group of 8 outputs][ky][input quad][kx][output quad of the group][input of the quad] of vec4 over
// four outputs: what one step of the inner loop reads is contiguous. `weight_at` reads one, from wherever it lies.

// vec4 of weights that one input quad has for one tap and a group of outputs.
const TAP: i32 = 8;

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

// Sums over the block's stored pixels, for pooling.
struct Sums {
    a: vec4<f32>,
    b: vec4<f32>,
}

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

// Stores one pixel of the block, if it lies in the patch and its channels exist, and adds it to the sums.
fn put(sums: Sums, y: i32, col: i32, right: i32, c: i32, a: vec4<f32>, b: vec4<f32>) -> Sums {
    var s = sums;
    if col < right {
        let i = at(p.dst, y, col, c);
        let va = epilogue(a, y, col, c);
        dst[i] = narrow_out(va);
        s.a += va;
        if c + 1 < p.dst.quads {
            let vb = epilogue(b, y, col, c + 1);
            dst[i + 1] = narrow_out(vb);
            s.b += vb;
        }
    }
    return s;
}

fn finish(y: i32, col: i32, right: i32, c: i32) -> Sums {
    var s = Sums(vec4<f32>(0.0), vec4<f32>(0.0));
    s = put(s, y, col, right, c, a0, b0);
    s = put(s, y, col + 1, right, c, a1, b1);
    s = put(s, y, col + 2, right, c, a2, b2);
    s = put(s, y, col + 3, right, c, a3, b3);
    s = put(s, y, col + 4, right, c, a4, b4);
    s = put(s, y, col + 5, right, c, a5, b5);
    s = put(s, y, col + 6, right, c, a6, b6);
    s = put(s, y, col + 7, right, c, a7, b7);
    return s;
}
