// Winograd F(2x2) in one dispatch: a register block at each point, fed from workgroup memory.
//
//   workgroup: 2 cells of 8x8 pixels, 32 tiles of 2x2, for 8 x ACROSS outputs, at all 16 points
//   lane (4 groups of tiles, ACROSS groups of outputs, point): 8 tiles x 8 outputs in registers
//
//   +--------++--------+      a quad of inputs at a time, in two steps with a barrier after each: lanes transform the
//   |oooooooo||........|      cells' tiles, two points each; then 256 multiply-adds a lane for 16 vec4 of workgroup
//   |........||........|      memory, half of them inputs, half weights
//
// While a quad is multiplied, the next one's pixels and weights are on their way from storage through registers, by
// loads without a branch. In the end sums meet in the memory that inputs and weights have left, and each lane takes a
// pixel of a tile.
//
// Lanes of a subgroup are at two points, whose inputs and weights lie PITCH vec4 apart, in different banks.

// Of a group for a quad of inputs: [point][input][output quad], and inputs in workgroup memory: [point][input][tile
// quad].
alias Filters = array<vec4<f32>, 128 * ACROSS>;

// [group][input quad]
@group(0) @binding(1) var<storage, read> weights: array<Filters>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;

const LANES: i32 = 64 * ACROSS;
const CELLS: i32 = 2;
const CELL_TILES: i32 = 16;
const PIXELS: i32 = 100;
// Output quads of a workgroup.
const QUADS: i32 = 2 * ACROSS;
// A point's inputs, and its weights.
const PITCH: i32 = 36;
const WEIGHT_PITCH: i32 = 4 * QUADS + 4;
// Places in workgroup memory: inputs, weights, pixels, and a slot for what nobody wants. In the end sums of two quads
// of outputs, each as inputs are.
const WEIGHTS: i32 = 16 * PITCH;
const IMAGE: i32 = WEIGHTS + 16 * WEIGHT_PITCH;
const SPARE: i32 = IMAGE + CELLS * CELL_PIXELS;
// Pixels of a cell: [odd column][row][column / 2], so that neighbouring tiles' are side by side; rows are as long as
// keeps eight lanes in different banks.
const ROW_PITCH: i32 = 6;
const HALF: i32 = 10 * ROW_PITCH;
const CELL_PIXELS: i32 = 2 * HALF;
// What a lane moves of them.
const LOADS: i32 = (CELLS * PIXELS + LANES - 1) / LANES;

// By components, though all but `transform` move quads: lanes that store components of one vec4 side by side would be
// storing the same memory, which WGSL does not allow and some compilers do wrong.
var<workgroup> sh: array<f32, 4 * (SPARE + 1)>;

fn load(place: i32) -> vec4<f32> {
    let at = 4 * place;
    return vec4<f32>(sh[at], sh[at + 1], sh[at + 2], sh[at + 3]);
}

fn store(place: i32, v: vec4<f32>) {
    let at = 4 * place;
    sh[at] = v.x;
    sh[at + 1] = v.y;
    sh[at + 2] = v.z;
    sh[at + 3] = v.w;
}

// Two points of a tile's row, `upper` the first two or else the last, from the places of its two rows of pixels.
fn transform(tile: i32, row: i32, upper: bool) {
    let above = select(1, row, row == 0 || row == 2);
    let below = select(select(2, 1, row == 2), 3, row == 3);
    let sign = vec4<f32>(select(-1.0, 1.0, row == 1));
    let corner = IMAGE + tile / CELL_TILES * CELL_PIXELS + tile / 4 % 4 * 2 * ROW_PITCH + tile % 4;
    let a = corner + above * ROW_PITCH + select(HALF, 0, upper);
    let b = corner + below * ROW_PITCH + select(HALF, 0, upper);
    // The second of three columns is in the other half.
    let other = select(1 - HALF, HALF, upper);
    let first = fma(sign, load(b), load(a));
    let second = fma(sign, load(b + other), load(a + other));
    let third = fma(sign, load(b + 1), load(a + 1));
    let outer = first - third;
    let inner = second + select(-first, third, upper);
    let to = 16 * row * PITCH + tile;
    for (var k = 0; k < 4; k++) {
        sh[to + select(12 * PITCH, 0, upper) + 32 * k] = outer[k];
        sh[to + select(8 * PITCH, 4 * PITCH, upper) + 32 * k] = inner[k];
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let lane = i32(index);
    let group = i32(wg.y);
    let quads = source_quads();
    let last = quads - 1;
    let cells = p.columns * p.window_cell_rows;

    var source: array<Place, LOADS>;
    var place: array<i32, LOADS>;
    var inside: array<bool, LOADS>;
    for (var i = 0; i < LOADS; i++) {
        let e = lane + i * LANES;
        let cell = min(e / PIXELS, CELLS - 1);
        let there = min(CELLS * i32(wg.x) + cell, cells - 1);
        let t = tile(u32(there % p.columns), u32(there / p.columns));
        let r = e % PIXELS / 10;
        let s = e % 10;
        let y = t.y + r - 1;
        let col = t.x + s - 1;
        source[i] = down(clamp(y, t.top, t.bottom - 1)) + across(clamp(col, t.left, t.right - 1));
        inside[i] = y >= t.top && y < t.bottom && col >= t.left && col < t.right;
        let own = IMAGE + cell * CELL_PIXELS + s % 2 * HALF + r * ROW_PITCH + s / 2;
        place[i] = select(own, SPARE, e >= CELLS * PIXELS);
        store(place[i], select(vec4<f32>(0.0), fetch_at(source[i], 0), inside[i]));
    }
    // Each lane moves two vec4 of weights; points are 8 x ACROSS lanes long.
    let moved = WEIGHTS + lane / (4 * QUADS) * WEIGHT_PITCH + lane % (4 * QUADS);
    let first = weights[group * quads][lane];
    let second = weights[group * quads][lane + LANES];
    store(moved, first);
    store(moved + 8 * WEIGHT_PITCH, second);

    let point = lane / (4 * ACROSS);
    let v = point * PITCH + lane % 4;
    let w = WEIGHTS + point * WEIGHT_PITCH + lane / 4 % ACROSS * 2;
    // sums[t][j]: tile 4 x (lane % 4) + t, then from 16 on; four outputs.
    var sums: array<array<vec4<f32>, 2>, 8>;
    workgroupBarrier();
    for (var c = 0; c < quads; c++) {
        if lane < 256 {
            transform(lane % 32, lane / 32 % 4, lane < 128);
        }
        let next = min(c + 1, last);
        var values: array<vec4<f32>, LOADS>;
        for (var i = 0; i < LOADS; i++) {
            values[i] = fetch_at(source[i] + Place(next), next);
        }
        let next_first = weights[group * quads + next][lane];
        let next_second = weights[group * quads + next][lane + LANES];
        workgroupBarrier();
        for (var k = 0; k < 4; k++) {
            let filter0 = load(w + k * QUADS);
            let filter1 = load(w + k * QUADS + 1);
            let near = load(v + 8 * k);
            let far = load(v + 8 * k + 4);
            for (var t = 0; t < 4; t++) {
                sums[t][0] = fma(vec4<f32>(near[t]), filter0, sums[t][0]);
                sums[t][1] = fma(vec4<f32>(near[t]), filter1, sums[t][1]);
                sums[t + 4][0] = fma(vec4<f32>(far[t]), filter0, sums[t + 4][0]);
                sums[t + 4][1] = fma(vec4<f32>(far[t]), filter1, sums[t + 4][1]);
            }
        }
        for (var i = 0; i < LOADS; i++) {
            store(place[i], select(vec4<f32>(0.0), values[i], inside[i]));
        }
        workgroupBarrier();
        store(moved, next_first);
        store(moved + 8 * WEIGHT_PITCH, next_second);
    }

    // A pixel of a tile, for one of two quads; with many groups of outputs some lanes have none.
    let own = lane % 32;
    let cell = CELLS * i32(wg.x) + own / CELL_TILES;
    let there = min(cell, cells - 1);
    let t = tile(u32(there % p.columns), u32(there / p.columns));
    let lower = lane / 32 % 2;
    let right = lane / 64 % 2;
    let quad = lane / 128;
    let y = t.y + own / 4 % 4 * 2 + lower;
    let col = t.x + own % 4 * 2 + right;
    let stores = quad < 2 && cell < cells && y < t.bottom && col < t.right;
    let down_sign = select(1.0, -1.0, lower == 1);
    let right_sign = select(1.0, -1.0, right == 1);
    let corner = min(quad, 1) * WEIGHTS + (4 * lower + right) * PITCH + own;
    for (var g = 0; g < ACROSS; g++) {
        workgroupBarrier();
        if lane / 4 % ACROSS == g {
            let to = point * PITCH + lane % 4 * 4;
            for (var t = 0; t < 8; t++) {
                store(to + t / 4 * 12 + t, sums[t][0]);
                store(WEIGHTS + to + t / 4 * 12 + t, sums[t][1]);
            }
        }
        workgroupBarrier();
        var rows: array<vec4<f32>, 3>;
        for (var r = 0; r < 3; r++) {
            let m = corner + 4 * r * PITCH;
            rows[r] = load(m) + right_sign * (load(m + PITCH) + load(m + 2 * PITCH));
        }
        let c = group * QUADS + 2 * g + quad;
        var stored = vec4<f32>(0.0);
        if stores && c < p.dst.quads {
            stored = epilogue(rows[0] + down_sign * (rows[1] + rows[2]) + bias[c], y, col, c);
            dst[at(p.dst, y, col, c)] = narrow_out(stored);
        }
        if POOLED == 1 {
            workgroupBarrier();
            store(lane, stored);
            workgroupBarrier();
            if lower == 0 && right == 0 {
                store(lane, load(lane) + (load(lane + 32) + (load(lane + 64) + load(lane + 96))));
            }
            workgroupBarrier();
            if lower == 0 && right == 0 && own % CELL_TILES == 0 {
                var total = vec4<f32>(0.0);
                for (var i = 0; i < CELL_TILES; i++) {
                    total += load(lane + i);
                }
                pool(t, select(p.dst2.quads, c, cell < cells && quad < 2), 0, total);
            }
        }
    }
}
