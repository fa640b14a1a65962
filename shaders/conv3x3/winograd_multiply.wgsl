// Winograd, second stage: at every point, all tiles' inputs times the transformed filters, a matrix product for each.
//
//   group of 8 lanes: OCTETS x 8 tiles, 8 x OUTPUTS output channels   lane: outputs lane, lane + 8, ... of the group
//
//   a block or two of sums[output][half], eight tiles each, as two vec4, in registers
//
// For each octet of inputs a group loads OCTETS octets of activations, spread over its lanes, and each lane 2 x OUTPUTS
// quads of weights: 64 x OCTETS x OUTPUTS multiply-adds a lane for OCTETS pairs and 2 x OUTPUTS quads. Software
// adapters turn a load from a buffer into a loop over lanes, and get the quads as texels, for less than half the price:
// so they want few pairs. Results are stored as octets of tiles, one store for eight sums.
//
// Compilers keep an array in registers only if they unroll the loops that index it, and they do that up to a size:
// hence two blocks by name instead of a loop over them, and a loop over outputs for each half of the inputs.

// [point][tile / 8][output, padded] of eight tiles
@group(0) @binding(3) var<storage, read_write> dst: array<Pair>;
// [point][tile][input octet]
@group(0) @binding(5) var<storage, read> x: array<Pair>;

alias Sums = array<array<vec4<f32>, 2>, OUTPUTS>;
alias Filters = array<vec4<f32>, OUTPUTS>;

fn activation(point: i32, tile: i32, c: i32) -> Pair {
    return x[at(p.x, point, tile, c)];
}

fn mac(sum: f32, v: vec4<f32>, w: vec4<f32>) -> f32 {
    return fma(v.w, w.w, fma(v.z, w.z, fma(v.y, w.y, fma(v.x, w.x, sum))));
}

// Four tiles' sums of one output.
fn macs(s: vec4<f32>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, w: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(mac(s.x, a, w), mac(s.y, b, w), mac(s.z, c, w), mac(s.w, d, w));
}

fn accumulate(sums: ptr<function, Sums>, v: array<vec4<f32>, 8>, filters: Filters) {
    for (var i = 0; i < OUTPUTS; i++) {
        (*sums)[i][0] = macs((*sums)[i][0], v[0], v[1], v[2], v[3], filters[i]);
        (*sums)[i][1] = macs((*sums)[i][1], v[4], v[5], v[6], v[7], filters[i]);
    }
}

fn store(sums: ptr<function, Sums>, at: i32) {
    for (var i = 0; i < OUTPUTS; i++) {
        dst[at + 8 * i] = pair((*sums)[i][0], (*sums)[i][1]);
    }
}

@compute @workgroup_size(8, 2)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>) {
    let lane = i32(id.x);
    let first = i32(wg.x * 2u + id.y) * 8 * OCTETS;
    let output = i32(wg.y) * 8 * OUTPUTS + lane;
    let point = i32(wg.z);
    if first >= p.x.width {
        return;
    }
    var a: Sums;
    var b: Sums;
    var w = 2 * point * p.x.quads * p.dst.quads + output;
    for (var c = 0; c < p.x.quads; c++) {
        var below: Filters;
        var above: Filters;
        for (var i = 0; i < OUTPUTS; i++) {
            below[i] = weight(w + 8 * i);
            above[i] = weight(w + p.dst.quads + 8 * i);
        }
        w += 2 * p.dst.quads;
        let u = spread(point, first, lane, c);
        accumulate(&a, u[0], below);
        accumulate(&a, u[1], above);
        if OCTETS == 2 {
            let v = spread(point, first + 8, lane, c);
            accumulate(&b, v[0], below);
            accumulate(&b, v[1], above);
        }
    }
    let o = at(p.dst, point, first / 8, output);
    store(&a, o);
    if OCTETS == 2 {
        store(&b, o + p.dst.quads);
    }
}
