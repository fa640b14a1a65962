// 3x3 convolution, stride 1, zero padding of one pixel at patch borders: the register block of ../parts/block.wgsl, fed
// from workgroup memory. A matrix product whose left side, [pixel][tap][input], is never written out.
//
//   workgroup: 2 cells side by side (128 pixels) x GROUPS groups of 8 outputs
//   lane (row of the cell, cell, group): 8 pixels x 8 outputs in registers
//
//   +--------++--------+      a quad of inputs at a time: both cells with the pixels around them, 2 x 10x10;
//   |oooooooo||........|      a row of taps of it at a time: 3 taps x 4 inputs x 8 x GROUPS weights
//   |........||........|
//
// Both are double-buffered: while a row of taps is multiplied, the next row's weights and a third of the next quad's
// pixels are on their way from storage through registers, so that one barrier for each row of taps is enough. In
// between a lane loads 10 pixels and 24 weights for 768 multiply-adds; in storage every pixel is read once for
// 8 x GROUPS outputs, every weight once for 128 pixels.
//
// Workgroup memory is read 16 bytes a lane, 8 lanes at a time: 8 rows of a cell, WIDTH pixels apart. WIDTH is odd, so
// they lie in different banks; the weights that they share are one address.

// Rows of a cell, and lanes of a workgroup, for pooling.
const PARTS: i32 = 8;
const LANES: i32 = 16 * GROUPS;
// Pixels of a cell and of those around it, and what a row and all of them take in workgroup memory.
const PIXELS: i32 = 100;
const WIDTH: i32 = 11;
const AREA: i32 = 10 * WIDTH;
// A third of the pixels of both cells.
const THIRD: i32 = 67;
// vec4 of weights that a row of taps has for a group, and for all.
const ROW: i32 = 3 * TAP;
const ROWS: i32 = ROW * GROUPS;
// What a lane moves at a time.
const PIXEL_LOADS: i32 = (THIRD + LANES - 1) / LANES;
const WEIGHT_LOADS: i32 = (ROWS + LANES - 1) / LANES;

// [buffer][cell][row][pixel]
var<workgroup> sh_x: array<vec4<f32>, 4 * AREA>;
// [buffer][group][kx][output quad][input]
var<workgroup> sh_weights: array<vec4<f32>, 2 * ROWS>;

fn weight_at(w: i32) -> vec4<f32> {
    return sh_weights[w];
}

// Of the pixels of both cells the one at `e`, and where it goes.
fn pixel(left: Tile, right: Tile, e: i32, i: i32) -> vec4<f32> {
    // The cells may lie in different patches.
    var t = left;
    if e >= PIXELS {
        t = right;
    }
    return padded(t, t.y + e % PIXELS / 10 - 1, t.x + e % 10 - 1, i);
}

fn pixel_place(e: i32, i: i32) -> i32 {
    return (i % 2 * 2 + e / PIXELS) * AREA + e % PIXELS / 10 * WIDTH + e % 10;
}

// Of the weights of all groups for a row of taps (`step` counts them) the one at `e`.
fn row_weight(step: i32, e: i32, first: i32, quads: i32) -> vec4<f32> {
    // Groups past the last are the last again, and store nothing.
    let group = min(first + e / ROW, (p.dst.quads - 1) / 2);
    return weight(((group * 3 + step % 3) * quads + step / 3) * ROW + e % ROW);
}

@compute @workgroup_size(8, 2, GROUPS)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(local_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let lane = i32(index);
    let second = id.y == 1u;
    // Where cells are odd in number the last workgroup does its cell twice, and stores it once.
    let last = u32(p.columns - 1);
    let left = tile(2u * wg.x, wg.y);
    let right = tile(min(2u * wg.x + 1u, last), wg.y);
    var t = left;
    if second {
        t = right;
    }
    let first = i32(wg.z) * GROUPS;
    let group = first + i32(id.z);
    let y = t.y + i32(id.x);
    let quads = source_quads();
    begin(2 * min(group, (p.dst.quads - 1) / 2));

    for (var e = lane; e < 2 * PIXELS; e += LANES) {
        sh_x[pixel_place(e, 0)] = pixel(left, right, e, 0);
    }
    for (var e = lane; e < ROWS; e += LANES) {
        sh_weights[e] = row_weight(0, e, first, quads);
    }
    workgroupBarrier();
    for (var i = 0; i < quads; i++) {
        for (var ky = 0; ky < 3; ky++) {
            let step = 3 * i + ky;
            let more_pixels = i + 1 < quads;
            let more_weights = step + 1 < 3 * quads;
            var next_pixels: array<vec4<f32>, PIXEL_LOADS>;
            var next_weights: array<vec4<f32>, WEIGHT_LOADS>;
            for (var k = 0; k < PIXEL_LOADS; k++) {
                let e = lane + k * LANES;
                if more_pixels && e < THIRD && ky * THIRD + e < 2 * PIXELS {
                    next_pixels[k] = pixel(left, right, ky * THIRD + e, i + 1);
                }
            }
            for (var k = 0; k < WEIGHT_LOADS; k++) {
                let e = lane + k * LANES;
                if more_weights && e < ROWS {
                    next_weights[k] = row_weight(step + 1, e, first, quads);
                }
            }
            let x = (i % 2 * 2 + i32(id.y)) * AREA + (i32(id.x) + ky) * WIDTH;
            let v0 = sh_x[x];
            let v1 = sh_x[x + 1];
            let v2 = sh_x[x + 2];
            let v3 = sh_x[x + 3];
            let v4 = sh_x[x + 4];
            let v5 = sh_x[x + 5];
            let v6 = sh_x[x + 6];
            let v7 = sh_x[x + 7];
            let v8 = sh_x[x + 8];
            let v9 = sh_x[x + 9];
            let w = step % 2 * ROWS + i32(id.z) * ROW;
            column(w, v0, v1, v2, v3, v4, v5, v6, v7);
            column(w + TAP, v1, v2, v3, v4, v5, v6, v7, v8);
            column(w + 2 * TAP, v2, v3, v4, v5, v6, v7, v8, v9);
            for (var k = 0; k < PIXEL_LOADS; k++) {
                let e = lane + k * LANES;
                if more_pixels && e < THIRD && ky * THIRD + e < 2 * PIXELS {
                    sh_x[pixel_place(ky * THIRD + e, i + 1)] = next_pixels[k];
                }
            }
            for (var k = 0; k < WEIGHT_LOADS; k++) {
                let e = lane + k * LANES;
                if more_weights && e < ROWS {
                    sh_weights[(step + 1) % 2 * ROWS + e] = next_weights[k];
                }
            }
            workgroupBarrier();
        }
    }

    let there = !(second && 2u * wg.x == last) && 2 * group < p.dst.quads;
    let c = select(p.dst.quads, 2 * group, there);
    var sums = Sums(vec4<f32>(0.0), vec4<f32>(0.0));
    if there && y < t.bottom {
        sums = finish(y, t.x, t.right, c);
    }
    pool(t, c, lane, sums.a);
    pool(t, c + 1, lane, sums.b);
}
