// Winograd on GPUs, second stage: at every point, all tiles' inputs times the transformed filters, a matrix product for
// each.
//
//   workgroup: WIDTH x ACROSS tiles x GROUPS groups of 4 x QUADS outputs
//   lane: ACROSS tiles, WIDTH apart, of a group
//
// Two quads of inputs at a time go through workgroup memory, double-buffered: read from scratch as they lie there, a
// tile's quads side by side, and from workgroup memory as lanes want them, tiles side by side. While a pair is
// multiplied, the next is on its way through registers; the loads go without a branch, from addresses that are never
// outside, and their values are first wanted after the products. Weights come as parts/weights_*.wgsl
// say: with it, or straight from storage where all lanes of a subgroup have the same group.

// Of a group for two quads of inputs: [input][output quad]. As one element, so that addresses within are constants that
// fit an instruction.
alias Filters = array<vec4<f32>, 8 * QUADS>;

// [point][group][two input quads]
@group(0) @binding(1) var<storage, read> weights: array<Filters>;
// [point][tile][output quad, padded]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
// [point][tile][input quad, padded]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

const TILES: i32 = WIDTH * ACROSS;
const LANES: i32 = WIDTH * GROUPS;
// Two buffers of two quads in workgroup memory, PITCH apart, and a slot for what nobody wants.
const SPARE: i32 = 4 * PITCH;
// What a lane moves at a time.
const LOADS: i32 = (2 * TILES + LANES - 1) / LANES;

// [buffer][quad], and a tile of a lane where LANE_STEP and TILE_STEP say
var<workgroup> sh_x: array<vec4<f32>, 4 * PITCH + 1>;

alias Sums = array<array<vec4<f32>, QUADS>, ACROSS>;

// A quad of inputs, the first or the second, in all of the lane's tiles: `v` is where they lie, `w` where the weights.
fn accumulate(sums: ptr<function, Sums>, v: i32, w: i32, first: i32) {
    var inputs: array<vec4<f32>, ACROSS>;
    for (var t = 0; t < ACROSS; t++) {
        inputs[t] = sh_x[v + TILE_STEP * t];
    }
    for (var k = 0; k < 4; k++) {
        for (var j = 0; j < QUADS; j++) {
            let own = filters(w, first + k * QUADS + j);
            for (var t = 0; t < ACROSS; t++) {
                (*sums)[t][j] = fma(vec4<f32>(inputs[t][k]), own, (*sums)[t][j]);
            }
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let lane = i32(index) % WIDTH;
    let row = uniform_row(i32(index) / WIDTH);
    let point = i32(wg.z);
    let first = i32(wg.x) * TILES;
    let groups = p.dst.quads / QUADS;
    let group = i32(wg.y) * GROUPS;
    var source: array<i32, LOADS>;
    var place: array<i32, LOADS>;
    for (var i = 0; i < LOADS; i++) {
        let e = i32(index) + i * LANES;
        source[i] = at(p.x, point, first + min(e / 2, TILES - 1), e % 2);
        place[i] = e % 2 * PITCH + e / 2 % WIDTH * LANE_STEP + e / 2 / WIDTH * TILE_STEP;
        place[i] = select(place[i], SPARE, e >= 2 * TILES);
        sh_x[place[i]] = x[source[i]];
    }
    let w = begin_weights(i32(index), row, point * groups, group, groups);
    let last = p.x.quads - 2;
    var sums: Sums;
    workgroupBarrier();
    for (var c = 0; c < p.x.quads; c += 2) {
        let next = min(c + 2, last);
        var values: array<vec4<f32>, LOADS>;
        for (var i = 0; i < LOADS; i++) {
            values[i] = x[source[i] + next];
        }
        let arriving = expect_weights(w, next);
        let second = (c & 2) == 2;
        let v = select(0, 2 * PITCH, second) + lane * LANE_STEP;
        let own = own_weights(w, c, second);
        accumulate(&sums, v, own, 0);
        accumulate(&sums, v + PITCH, own, 4 * QUADS);
        for (var i = 0; i < LOADS; i++) {
            sh_x[min(place[i] + select(2 * PITCH, 0, second), SPARE)] = values[i];
        }
        take_weights(w, !second, arriving);
        workgroupBarrier();
    }
    if group + row < groups {
        for (var t = 0; t < ACROSS; t++) {
            let o = at(p.dst, point, first + lane + WIDTH * t, (group + row) * QUADS);
            for (var j = 0; j < QUADS; j++) {
                dst[o + j] = sums[t][j];
            }
        }
    }
}
