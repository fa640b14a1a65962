// Winograd, second stage, for software adapters whose compiler gathers by one instruction and loads once what is the
// same for all lanes: at every point, all tiles' inputs times the transformed filters, a matrix product for each.
//
//   workgroup: OCTETS x 8 tiles, LANES x OUTPUTS output channels   lane: outputs lane, lane + LANES, ... of them
//
// A workgroup is one vector of the processor's, 8 or 16 lanes, and all of it has the same tiles. There are more sums
// than registers, so they are in memory, and what counts is how often each goes there: tile by tile, with all eight
// inputs, a tile's sums and activations stay in registers meanwhile, and weights, loaded once for all tiles, are
// operands in the first cache. In the other order, output by output, the activations of all tiles would be stored and
// loaded in between.

// [point][tile / 8][output, padded] of eight tiles
@group(0) @binding(3) var<storage, read_write> dst: array<Pair>;

// [tile][output]; indexed by constants alone once functions are expanded, or it would be in memory altogether.
alias Sums = array<array<f32, OUTPUTS>, 8>;
alias Filters = array<vec4<f32>, OUTPUTS>;

fn mac(sum: f32, v: vec4<f32>, w: vec4<f32>) -> f32 {
    return fma(v.w, w.w, fma(v.z, w.z, fma(v.y, w.y, fma(v.x, w.x, sum))));
}

// Eight inputs of a tile.
fn add(sums: ptr<function, Sums>, tile: i32, low: vec4<f32>, high: vec4<f32>, below: Filters, above: Filters) {
    for (var i = 0; i < OUTPUTS; i++) {
        (*sums)[tile][i] = mac(mac((*sums)[tile][i], low, below[i]), high, above[i]);
    }
}

fn store(sums: Sums, at: i32) {
    for (var i = 0; i < OUTPUTS; i++) {
        let below = vec4<f32>(sums[0][i], sums[1][i], sums[2][i], sums[3][i]);
        let above = vec4<f32>(sums[4][i], sums[5][i], sums[6][i], sums[7][i]);
        dst[at + LANES * i] = pair(below, above);
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let lane = i32(index);
    let first = i32(wg.x) * 8 * OCTETS;
    let output = i32(wg.y) * LANES * OUTPUTS + lane;
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
            below[i] = weight(w + LANES * i);
            above[i] = weight(w + p.dst.quads + LANES * i);
        }
        w += 2 * p.dst.quads;
        let v = at(p.x, point, first, c);
        add_octet(&a, v, lane, below, above);
        if OCTETS == 2 {
            add_octet(&b, v + 8 * p.x.quads, lane, below, above);
        }
    }
    let o = at(p.dst, point, first / 8, output);
    store(a, o);
    if OCTETS == 2 {
        store(b, o + p.dst.quads);
    }
}
