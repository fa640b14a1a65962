// The rate of multiply-adds alone: a lane keeps 32 chains of them going in registers, which covers their latency, and
// touches memory at its begin and end only. Chains differ, and from lane to lane, so that none can be shared; factor
// and addend of 1/2 keep every number normal.

@group(0) @binding(3) var<storage, read_write> dst: array<vec4<Number>>;
// Factor, addend, and where eight chains of four begin.
@group(0) @binding(5) var<storage, read> x: array<vec4<Number>>;

// A round of a chain is four in a row: one round of the loop is 128 multiply-adds, beside which its counter is little.
fn round(a: vec4<Number>, m: vec4<Number>, b: vec4<Number>) -> vec4<Number> {
    return fma(fma(fma(fma(a, m, b), m, b), m, b), m, b);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let m = x[0];
    let b = x[1];
    let start = vec4<Number>(Number(lane));
    var a0 = x[2] + start;
    var a1 = x[3] + start;
    var a2 = x[4] + start;
    var a3 = x[5] + start;
    var a4 = x[6] + start;
    var a5 = x[7] + start;
    var a6 = x[8] + start;
    var a7 = x[9] + start;
    for (var i = 0; i < ROUNDS; i++) {
        a0 = round(a0, m, b);
        a1 = round(a1, m, b);
        a2 = round(a2, m, b);
        a3 = round(a3, m, b);
        a4 = round(a4, m, b);
        a5 = round(a5, m, b);
        a6 = round(a6, m, b);
        a7 = round(a7, m, b);
    }
    dst[id.x] = ((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7));
}
