// Winograd on GPUs, second stage: at every point, all tiles' inputs times the transformed filters, a matrix product for
// each.
//
//   workgroup: 64 x ACROSS tiles x GROUPS groups of 4 x QUADS outputs   lane: ACROSS tiles, 64 apart, of a group
//
// Two quads of inputs at a time go through workgroup memory, double-buffered: read from scratch as they lie there, a
// tile's quads side by side, and from workgroup memory as lanes want them, tiles side by side. While a pair is
// multiplied, the next is on its way through registers; the loads go without a branch, from addresses that are never
// outside, and their values are first wanted after the products. Weights are the same for all lanes of a group: where
// `group` says so to the compiler, they are loaded once for a subgroup.

// Of a group for a quad of inputs: [input][output quad]
alias Filter = array<vec4<f32>, 4 * QUADS>;

// [point][group][input quad]
@group(0) @binding(1) var<storage, read> weights: array<Filter>;
// [point][tile][output quad, padded]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
// [point][tile][input quad, padded]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

const TILES: i32 = 64 * ACROSS;
// A quad of all tiles in workgroup memory, so long that both quads of a tile lie in different banks.
const PITCH: i32 = TILES + 4;
// Two buffers of two quads, and a slot for what nobody wants.
const SPARE: i32 = 4 * PITCH;
const LANES: i32 = 64 * GROUPS;
// What a lane moves at a time.
const LOADS: i32 = (2 * TILES + LANES - 1) / LANES;

// [buffer][quad][tile]
var<workgroup> sh_x: array<vec4<f32>, 4 * PITCH + 1>;

alias Sums = array<array<vec4<f32>, QUADS>, ACROSS>;

// A quad of inputs in all of the lane's tiles: `v` is where they lie, `w` where their weights.
fn accumulate(sums: ptr<function, Sums>, v: i32, w: i32) {
    var inputs: array<vec4<f32>, ACROSS>;
    for (var t = 0; t < ACROSS; t++) {
        inputs[t] = sh_x[v + 64 * t];
    }
    for (var k = 0; k < 4; k++) {
        for (var j = 0; j < QUADS; j++) {
            let filters = weights[w][k * QUADS + j];
            for (var t = 0; t < ACROSS; t++) {
                (*sums)[t][j] = fma(vec4<f32>(inputs[t][k]), filters, (*sums)[t][j]);
            }
        }
    }
}

@compute @workgroup_size(64, GROUPS)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let lane = i32(id.x);
    let point = i32(wg.z);
    let first = i32(wg.x) * TILES;
    let groups = p.dst.quads / QUADS;
    let own = i32(wg.y) * GROUPS + uniform_row(i32(id.y));
    var source: array<i32, LOADS>;
    var place: array<i32, LOADS>;
    for (var i = 0; i < LOADS; i++) {
        let e = i32(index) + i * LANES;
        source[i] = at(p.x, point, first + min(e / 2, TILES - 1), e % 2);
        place[i] = select(e % 2 * PITCH + e / 2, SPARE, e >= 2 * TILES);
        sh_x[place[i]] = x[source[i]];
    }
    var w = (point * groups + min(own, groups - 1)) * p.x.quads;
    var sums: Sums;
    workgroupBarrier();
    for (var c = 0; c < p.x.quads; c += 2) {
        let next = min(c + 2, p.x.quads - 2);
        var values: array<vec4<f32>, LOADS>;
        for (var i = 0; i < LOADS; i++) {
            values[i] = x[source[i] + next];
        }
        let v = c % 4 * PITCH + lane;
        accumulate(&sums, v, w);
        accumulate(&sums, v + PITCH, w + 1);
        w += 2;
        let other = (2 - c % 4) * PITCH;
        for (var i = 0; i < LOADS; i++) {
            sh_x[min(place[i] + other, SPARE)] = values[i];
        }
        workgroupBarrier();
    }
    if own < groups {
        for (var t = 0; t < ACROSS; t++) {
            let o = at(p.dst, point, first + lane + 64 * t, own * QUADS);
            for (var j = 0; j < QUADS; j++) {
                dst[o + j] = sums[t][j];
            }
        }
    }
}
