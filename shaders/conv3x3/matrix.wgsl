// 3x3 convolution, stride 1, zero padding of one pixel at patch borders, as a product of cooperative matrices:
// [pixel][tap][input] times [tap][input][output], f16 in, sums in f32.
//
//   workgroup: 2 cells side by side (128 pixels) x BLOCKS blocks of TILE outputs, for LANES lanes
//   subgroup: a row of both cells for each 32 of its lanes x all blocks: whatever size of subgroups a compiler chooses, a
//             lane holds as many sums and loads as many bytes
//
// The 16 pixels of a row of two cells are the rows of one matrix (or of two, of 8). In memory these must be evenly
// spaced, but the cells may lie in different patches, where each has zeros around it. So they are interleaved, column
// by column, left and right in turn, a column's ten pixels in a run. Sixteen pixels then are a column apart, and a tap
// only moves where they begin:
//
//   [column 0, left cell: 10 pixels of 16 inputs][column 0, right cell][column 1, left cell] ... [column 9, right cell]
//
// A slice of 16 inputs at a time, and of its weights a column of taps, are in workgroup memory. The next are on their
// way from storage through registers while the subgroups multiply, and are stored when all have done so. A second
// buffer would save one of two barriers and cost a third of the workgroups that fit on a compute unit.
//
// Eight lanes read 16 bytes each of eight rows of a left factor, or columns of a right one, at once. These lie an odd
// number of 16 bytes apart, and so in different banks.
//
// coopLoadT takes a matrix by rows (RowMajorKHR in SPIR-V): element [i][k] lies at i * stride + k. coopLoad takes it by
// columns (ColumnMajorKHR): element [k][j] lies at j * stride + k, so that the weights of an output are a run. By rows,
// right factors would cost RDNA 3 a load of two bytes for each element, and NVIDIA's cards a transposition.
//
// A lane moves the same pixels of every slice. What is outside of the patch is zero for all of them, and is either
// selected at each store, or written once and then left alone, for what is stored there goes to a spare place. KEPT
// says what of this is not in registers meanwhile, but in workgroup memory: 1, where a lane's pixels go; 2, also where
// they come from. NVIDIA's open compiler branches for every selection. AMD's looks for eight registers in a row for
// each factor, and moves values about for it, the fewer the fewer of them outlive a slice.
//
// Elements of a matrix have no names: products go through workgroup memory, half of the rows with a block at a time, to
// be finished by whichever lane.

// [group][slice][kx][ky][output of a block][block][input of the slice]
@group(0) @binding(1) var<storage, read> weights: array<vec4<f16>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;

const LANES: i32 = 256;
// Matrices that 16 pixels, or 16 inputs, are.
const SPLIT: i32 = 16 / TILE;
// Those of the largest subgroup's pixels, of which it has ROWS rows; the smallest has LEAST_ROWS.
const MATRICES: i32 = ROWS * SPLIT;
alias Sums = array<array<Sum, BLOCKS>, MATRICES>;

// Places in workgroup memory count quads of f16. What a cell's column takes, all columns, an output, and the slab.
const COLUMN: i32 = 4 * 10 + 2;
const PIXELS: i32 = 20 * COLUMN;
const OUTPUT: i32 = 4 * BLOCKS + 2;
const SLAB: i32 = PIXELS + 3 * TILE * OUTPUT;
// Quads of outputs of a block, and the products of half of all rows with it.
const QUADS: i32 = TILE / 4;
const PRODUCTS: i32 = 4 * 16 * QUADS;
// Lanes that finish products of the same cell and quad, for pooling.
const PARTS: i32 = LANES / (2 * QUADS);

// A lane loads a quad of two neighbouring pixels of both cells.
const PIXEL_LOADS: i32 = 4;
const PIXEL_LANES: i32 = 5 * 10 * 4;
// Where nobody looks.
const SPARE: i32 = 4 * 10;
// It loads eight weights at a time, of as many outputs each time.
const OUTPUT_LANES: i32 = 2 * BLOCKS;
const WEIGHT_LOADS: i32 = (3 * TILE * OUTPUT_LANES + LANES - 1) / LANES;
const WEIGHT_OUTPUTS: i32 = 3 * TILE / WEIGHT_LOADS;
const WEIGHT_LANES: i32 = WEIGHT_OUTPUTS * OUTPUT_LANES;
alias LoadedPixels = array<In, PIXEL_LOADS>;
alias LoadedWeights = array<vec4<f16>, 2 * WEIGHT_LOADS>;

// Pixels, then weights.
var<workgroup> sh_x: array<f16, 4 * SLAB>;
// [row of four][pixel][output]; before there are any, where each lane's pixels go, bit by bit. As floats these are smaller
// than normal ones, which a driver might flush to zero: it would fail the comparison that comes before matrices are used.
var<workgroup> sh_products: array<f32, 4 * max(PRODUCTS, LANES)>;
// Where they come from.
var<workgroup> sh_pixels: array<i32, max((KEPT - 1) * PIXEL_LOADS * LANES, 1)>;

// What a lane moves and where it puts it; lanes that have nothing put it into spare places.
struct Share {
    index: i32,
    // Row and column of its first pixel, which quad of a slice, and its place.
    y: i32,
    col: i32,
    quad: i32,
    place: i32,
    // Its first weights, and their place.
    weight: i32,
    weight_place: i32,
}

fn share(t: Tile, index: i32) -> Share {
    let column = index / 4 / 10;
    let row = index / 4 % 10;
    let quad = index % 4;
    return Share(
        index,
        t.y + row - 1,
        2 * column - 1,
        quad,
        select(SPARE, 4 * column * COLUMN + 4 * row + quad, index < PIXEL_LANES),
        min(index, WEIGHT_LANES - 1),
        PIXELS + select(
            4 * BLOCKS,
            index / OUTPUT_LANES * OUTPUT + 2 * (index % OUTPUT_LANES),
            index < WEIGHT_LANES,
        ),
    );
}

// Where the lane's pixel `k` comes from: the closest of the patch.
fn origin(cells: array<Tile, 2>, own: Share, k: i32) -> i32 {
    let t = cells[k % 2];
    let y = clamp(own.y, t.top, t.bottom - 1);
    let col = clamp(t.x + own.col + k / 2, t.left, t.right - 1);
    return locate(y, col);
}

fn inside(cells: array<Tile, 2>, own: Share, k: i32) -> bool {
    let t = cells[k % 2];
    let col = t.x + own.col + k / 2;
    return own.y >= t.top && own.y < t.bottom && col >= t.left && col < t.right;
}

// Zeros, and what is not to stay in registers. What a lane writes here it alone reads.
fn keep_share(cells: array<Tile, 2>, own: Share) {
    for (var k = 0; k < PIXEL_LOADS; k++) {
        let slot = PIXEL_LOADS * own.index + k;
        if KEPT > 1 {
            sh_pixels[slot] = origin(cells, own, k);
        }
        let place = own.place + k * COLUMN;
        put(place, vec4<f16>());
        sh_products[slot] = bitcast<f32>(select(SPARE, place, inside(cells, own, k)));
    }
}

fn put(place: i32, v: vec4<f16>) {
    sh_x[4 * place] = v.x;
    sh_x[4 * place + 1] = v.y;
    sh_x[4 * place + 2] = v.z;
    sh_x[4 * place + 3] = v.w;
}

// Loads have no branch around them, and what comes of them is not touched, so that nothing waits for them.
fn load_pixels(cells: array<Tile, 2>, own: Share, slice: i32) -> LoadedPixels {
    var loaded: LoadedPixels;
    for (var k = 0; k < PIXEL_LOADS; k++) {
        if KEPT > 1 {
            loaded[k] = fetch(sh_pixels[PIXEL_LOADS * own.index + k], slice, own.quad);
        } else {
            loaded[k] = fetch(origin(cells, own, k), slice, own.quad);
        }
    }
    return loaded;
}

// Quads past the last are the last again where zeros are not selected: their weights are zero.
fn put_pixels(cells: array<Tile, 2>, own: Share, slice: i32, loaded: LoadedPixels) {
    let there = present(slice, own.quad);
    for (var k = 0; k < PIXEL_LOADS; k++) {
        // Of halves, and of floats.
        let v = vec4<f16>(loaded[k]);
        if KEPT > 0 {
            put(bitcast<i32>(sh_products[PIXEL_LOADS * own.index + k]), v);
        } else {
            put(own.place + k * COLUMN, select(vec4<f16>(), v, there && inside(cells, own, k)));
        }
    }
}

fn load_weights(column: i32, own: Share) -> LoadedWeights {
    var loaded: LoadedWeights;
    for (var k = 0; k < WEIGHT_LOADS; k++) {
        let w = 2 * ((column * WEIGHT_LOADS + k) * WEIGHT_LANES + own.weight);
        loaded[2 * k] = weights[w];
        loaded[2 * k + 1] = weights[w + 1];
    }
    return loaded;
}

fn put_weights(own: Share, loaded: LoadedWeights) {
    for (var k = 0; k < WEIGHT_LOADS; k++) {
        let place = own.weight_place + k * WEIGHT_OUTPUTS * OUTPUT;
        put(place, loaded[2 * k]);
        put(place + 1, loaded[2 * k + 1]);
    }
}

// Adds a column of taps for rows `row` to `row + rows` of the cells.
fn multiply(sums: ptr<function, Sums>, kx: i32, row: i32, rows: i32) {
    for (var ky = 0; ky < 3; ky++) {
        for (var k = 0; k < SPLIT; k++) {
            var w: array<Right, BLOCKS>;
            for (var b = 0; b < BLOCKS; b++) {
                let place = PIXELS + ky * TILE * OUTPUT + 4 * b + k * QUADS;
                w[b] = coopLoad<Right>(&sh_x[4 * place], u32(4 * OUTPUT));
            }
            for (var r = 0; r < rows; r++) {
                for (var h = 0; h < SPLIT; h++) {
                    let place = (2 * kx + h * TILE) * COLUMN + 4 * (row + r + ky) + k * QUADS;
                    let x = coopLoadT<Left>(&sh_x[4 * place], u32(4 * COLUMN));
                    let m = r * SPLIT + h;
                    for (var b = 0; b < BLOCKS; b++) {
                        (*sums)[m][b] = coopMultiplyAdd(x, w[b], (*sums)[m][b]);
                    }
                }
            }
        }
    }
}

// Hands the products of block `b` with every second row to those who finish them: slots are two rows apart.
fn keep(sums: ptr<function, Sums>, b: i32, odd: i32, row: i32, rows: i32) {
    for (var r = 0; r < rows; r++) {
        if (row + r) % 2 == odd {
            for (var h = 0; h < SPLIT; h++) {
                let place = ((row + r) / 2 * 16 + h * TILE) * TILE;
                coopStoreT((*sums)[r * SPLIT + h][b], &sh_products[place], u32(TILE));
            }
        }
    }
}

fn product(quad: i32) -> vec4<f32> {
    let i = 4 * quad;
    return vec4<f32>(sh_products[i], sh_products[i + 1], sh_products[i + 2], sh_products[i + 3]);
}

// In the products' memory, so that workgroups take no more of it.
fn put_sum(place: i32, v: vec4<f32>) {
    sh_products[4 * place] = v.x;
    sh_products[4 * place + 1] = v.y;
    sh_products[4 * place + 2] = v.z;
    sh_products[4 * place + 3] = v.w;
}

fn sum_at(place: i32) -> vec4<f32> {
    return product(place);
}

// What follows the sums. A lane finishes products of one column, every other row and one quad of a block.
fn finish(sums: ptr<function, Sums>, cells: array<Tile, 2>, wg: vec3<u32>, index: i32, row: i32, rows: i32) {
    let pixel = index / QUADS % 16;
    let second = pixel % 2 == 1;
    var t = cells[0];
    if second {
        t = cells[1];
    }
    let top = t.y + index / QUADS / 16 * 2;
    let col = t.x + pixel / 2;
    let repeated = second && 2u * wg.x == u32(p.columns - 1);
    let mine = index < PRODUCTS && col < t.right && !repeated;
    let place = (pixel % 2 * QUADS + index % QUADS) * PARTS + index / (2 * QUADS);
    for (var b = 0; b < BLOCKS; b++) {
        let c = (i32(wg.z) * BLOCKS + b) * QUADS + index % QUADS;
        var total = vec4<f32>(0.0);
        for (var odd = 0; odd < 2; odd++) {
            let y = top + odd;
            workgroupBarrier();
            keep(sums, b, odd, row, rows);
            workgroupBarrier();
            if mine && y < t.bottom && c < p.dst.quads {
                let stored = epilogue(product(index) + bias[c], y, col, c);
                dst[at(p.dst, y, col, c)] = narrow_out(stored);
                total += stored;
            }
        }
        pool(t, select(p.dst.quads, c, mine), place, total);
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_size) subgroup_lanes: u32,
) {
    let index = i32(local);
    // A constant where all subgroups are of one size. Where not, compilers know the size that they have chosen. Either
    // way loops over rows are unrolled, and sums are in registers.
    let rows = select(i32(subgroup_lanes) / 32, ROWS, ROWS == LEAST_ROWS);
    let row = i32(subgroup) * rows;
    // Where cells are odd in number the last workgroup does its cell twice, and stores it once.
    let last = u32(p.columns - 1);
    let cells = array<Tile, 2>(tile(2u * wg.x, wg.y), tile(min(2u * wg.x + 1u, last), wg.y));
    let own = share(cells[0], index);
    if KEPT > 0 {
        keep_share(cells, own);
    }
    let slices = source_slices();
    // Columns of taps, counted over all groups and slices.
    let first = i32(wg.z) * slices * 3;

    var sums = Sums();
    put_weights(own, load_weights(first, own));
    put_pixels(cells, own, 0, load_pixels(cells, own, 0));
    workgroupBarrier();
    for (var slice = 0; slice < slices; slice++) {
        let column = first + 3 * slice;
        for (var kx = 0; kx < 2; kx++) {
            let loaded = load_weights(column + kx + 1, own);
            multiply(&sums, kx, row, rows);
            workgroupBarrier();
            put_weights(own, loaded);
            workgroupBarrier();
        }
        // After the last slice comes the last once more, for nobody.
        let next = min(slice + 1, slices - 1);
        let loaded = load_weights(first + 3 * next, own);
        let pixels = load_pixels(cells, own, next);
        multiply(&sums, 2, row, rows);
        workgroupBarrier();
        put_weights(own, loaded);
        put_pixels(cells, own, next, pixels);
        workgroupBarrier();
    }

    finish(&sums, cells, wg, index, row, rows);
}
