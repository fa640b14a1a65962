// Winograd F(2x2) in one dispatch: transformed inputs are in registers only, and so are the sums.
//
//   workgroup: 4 cells of 8x8 pixels, 64 tiles of 2x2 x 4 rows of 4 points, for 4 x QUADS outputs
//   lane: (tile, row of points), 4 points x 4 x QUADS sums in registers
//
//   +--------+       a quad of inputs at a time: the cells with the pixels around them, 4 x 10x10, through workgroup
//   |oooooooo| x 4   memory, double-buffered. A row of points takes two rows of a tile's 4x4 pixels, 8 loads from
//   |........|       workgroup memory and 8 additions of vec4 for 16 x QUADS multiply-adds of vec4.
//
// All lanes of a row of points want the same weights, straight from storage: parts/row_subgroup.wgsl. While a quad is
// multiplied, the next one's pixels are on their way through registers; the loads go without a branch, from addresses
// that are never outside, and their values are first wanted after the products.
//
// In the end a row's four points become two columns of a tile, which meet the other rows' in workgroup memory: there
// each lane takes one pixel of the tile, a quad of outputs at a time.

// Of a group for a quad of inputs at a row of points: [point][input][output quad]. As one element, so that addresses
// within are constants that fit an instruction.
alias Filters = array<vec4<f32>, 16 * QUADS>;

// [group][input quad][row of points]
@group(0) @binding(1) var<storage, read> weights: array<Filters>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;

const LANES: i32 = 256;
const CELLS: i32 = 4;
const PIXELS: i32 = 100;
// What a buffer holds, and what a lane moves of it.
const AREA: i32 = CELLS * PIXELS;
const LOADS: i32 = (PIXELS * CELLS + LANES - 1) / LANES;
// A slot for what nobody wants.
const SPARE: i32 = 2 * AREA;
// Pixels of a cell in even columns, or in odd ones: neighbouring tiles' are then side by side.
const HALF: i32 = 50;

// Pixels: [buffer][cell][odd column][row][column / 2]; in the end [row of points][column][tile], and results.
var<workgroup> sh: array<vec4<f32>, SPARE + 1>;
const RESULTS: i32 = 8 * 64;

// Pixels of a tile that a row of points takes: two rows, the second times `sign`.
struct Rows {
    first: i32,
    second: i32,
    sign: f32,
}

fn rows_of(row: i32) -> Rows {
    let first = select(1, row, row == 0 || row == 2);
    let second = select(select(2, 1, row == 2), 3, row == 3);
    return Rows(first * 5, second * 5, select(-1.0, 1.0, row == 1));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let lane = i32(index) % 64;
    let row = uniform_row(i32(index) / 64);
    let group = i32(wg.y);
    let quads = source_quads();
    let last = quads - 1;

    // Tiles side by side, then the cells, so that eight lanes read from different banks.
    let cell = lane / 4 % CELLS;
    let inner = vec2<i32>(lane % 4, lane / 16);
    let cells = p.columns * p.window_cell_rows;
    let own = CELLS * i32(wg.x) + cell;
    let there = min(own, cells - 1);
    let t = tile(u32(there % p.columns), u32(there / p.columns));

    // Lanes of a cell load its pixels.
    var source: array<Place, LOADS>;
    var place: array<i32, LOADS>;
    var inside: array<bool, LOADS>;
    for (var i = 0; i < LOADS; i++) {
        let e = inner.x + 4 * inner.y + 16 * row + i * LANES / CELLS;
        let pixel = min(e, PIXELS - 1);
        let r = pixel / 10;
        let s = pixel % 10;
        let y = t.y + r - 1;
        let col = t.x + s - 1;
        source[i] = down(clamp(y, t.top, t.bottom - 1)) + across(clamp(col, t.left, t.right - 1));
        inside[i] = y >= t.top && y < t.bottom && col >= t.left && col < t.right;
        place[i] = select(cell * PIXELS + s % 2 * HALF + r * 5 + s / 2, SPARE, e >= PIXELS);
        sh[place[i]] = select(vec4<f32>(0.0), fetch_at(source[i], 0), inside[i]);
    }
    let corner = cell * PIXELS + 2 * inner.y * 5 + inner.x;
    let taken = rows_of(row);
    let first = corner + taken.first;
    let second = corner + taken.second;
    var w = group * quads * 4 + row;
    var sums: array<array<vec4<f32>, QUADS>, POINTS>;
    workgroupBarrier();
    for (var c = 0; c < quads; c++) {
        let next = min(c + 1, last);
        var values: array<vec4<f32>, LOADS>;
        for (var i = 0; i < LOADS; i++) {
            values[i] = fetch_at(source[i] + Place(next), next);
        }
        let odd = (c & 1) == 1;
        let a = first + select(0, AREA, odd);
        let b = second + select(0, AREA, odd);
        let d = transform_input(Points(
            fma(vec4<f32>(taken.sign), sh[b], sh[a]),
            fma(vec4<f32>(taken.sign), sh[b + HALF], sh[a + HALF]),
            fma(vec4<f32>(taken.sign), sh[b + 1], sh[a + 1]),
            fma(vec4<f32>(taken.sign), sh[b + HALF + 1], sh[a + HALF + 1]),
        ));
        for (var s = 0; s < POINTS; s++) {
            for (var k = 0; k < 4; k++) {
                for (var j = 0; j < QUADS; j++) {
                    sums[s][j] = fma(vec4<f32>(d[s][k]), weights[w][(4 * s + k) * QUADS + j], sums[s][j]);
                }
            }
        }
        w += 4;
        for (var i = 0; i < LOADS; i++) {
            let to = min(place[i] + select(AREA, 0, odd), SPARE);
            sh[to] = select(vec4<f32>(0.0), values[i], inside[i]);
        }
        workgroupBarrier();
    }

    let lower = row / 2;
    let right = row % 2;
    let y = t.y + 2 * inner.y + lower;
    let col = t.x + 2 * inner.x + right;
    let stores = own < cells && y < t.bottom && col < t.right;
    let sign = select(1.0, -1.0, lower == 1);
    var tile_sums = vec4<f32>(0.0);
    for (var j = 0; j < QUADS; j++) {
        let c = group * QUADS + j;
        let columns = transform_output(Points(sums[0][j], sums[1][j], sums[2][j], sums[3][j]));
        sh[row * 128 + lane] = columns[0];
        sh[row * 128 + 64 + lane] = columns[1];
        workgroupBarrier();
        let from_row = lower * 128 + right * 64 + lane;
        let sum = sh[from_row] + sign * (sh[from_row + 128] + sh[from_row + 256]);
        var stored = vec4<f32>(0.0);
        if stores && c < p.dst.quads {
            stored = epilogue(sum + bias[c], y, col, c);
            dst[at(p.dst, y, col, c)] = narrow_out(stored);
        }
        if POOLED == 1 {
            sh[RESULTS + row * 64 + lane] = stored;
        }
        workgroupBarrier();
        // Of each quad one row of lanes has the sums of all tiles.
        if POOLED == 1 && row == j {
            let place = RESULTS + lane;
            tile_sums = (sh[place] + sh[place + 64]) + (sh[place + 128] + sh[place + 192]);
        }
    }
    if POOLED == 1 {
        sh[row * 64 + lane] = tile_sums;
        workgroupBarrier();
        if inner.x == 0 && inner.y == 0 {
            var total = vec4<f32>(0.0);
            for (var i = 0; i < 16; i++) {
                total += sh[row * 64 + lane + i % 4 + i / 4 * 16];
            }
            pool(t, select(p.dst2.quads, group * QUADS + row, own < cells && row < QUADS), 0, total);
        }
    }
}
