// 3x3 convolution, stride 1, zero padding of one pixel at patch borders, as a product of cooperative matrices:
// [pixel][tap][input] times [tap][input][output], f16 in, sums in f32. Subgroups have SUBGROUP lanes.
//
//   subgroup: 4 matrices of TILE pixels x 2 matrices of TILE outputs, so that 6 loads feed 8 products
//   workgroup: STRIPS subgroups for the 64 pixels of a cell, times GROUPS for more outputs
//
// The pixels of a slice of 16 inputs, with those around them, go through workgroup memory, where they are f16 whatever
// they were, and zero past a patch's border and past the last input. They are there three times, once for each kx, as
// rows of just 8 pixels: TILE pixels of a cell then are evenly spaced whatever the tap, which a matrix's rows must be.
// A pixel takes PITCH halves, not 16, so that 8 neighbours lie in different banks. Weights are the same for all
// workgroups and come from storage.
//
// Elements of a matrix have no names: products go through workgroup memory, TILE x TILE at a time, to be finished.

// [tap][input, padded to 16][output, padded]
@group(0) @binding(1) var<storage, read> weights: array<f16>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;

const STRIPS: i32 = 16 / TILE;
const LANES: i32 = SUBGROUP * STRIPS * GROUPS;
// Quads of outputs of a matrix, and lanes that have pixels of the same cell and quad, for pooling.
const QUADS: i32 = TILE / 4;
const PARTS: i32 = STRIPS * SUBGROUP / QUADS;
// Inputs of a slice, and halves from one pixel to the next.
const SLICE: i32 = 16;
const PITCH: i32 = 24;

// [kx][row][pixel][input of the slice]
var<workgroup> sh_x: array<f16, 3 * 80 * PITCH>;
// [subgroup][pixel][output]
var<workgroup> sh_products: array<f32, STRIPS * GROUPS * TILE * TILE>;

// Puts a slice of a cell's pixels into workgroup memory.
fn stage(t: Tile, slice: i32, index: i32) {
    for (var e = index; e < 100 * SLICE / 4; e += LANES) {
        let quad = e % (SLICE / 4);
        let row = e / (SLICE / 4) / 10;
        let col = e / (SLICE / 4) % 10;
        let c = slice * (SLICE / 4) + quad;
        var v = vec4<f32>(0.0);
        if c < source_quads() {
            v = padded(t, t.y + row - 1, t.x + col - 1, c);
        }
        for (var kx = 0; kx < 3; kx++) {
            if col >= kx && col < kx + 8 {
                let place = (kx * 80 + row * 8 + col - kx) * PITCH + 4 * quad;
                sh_x[place] = f16(v.x);
                sh_x[place + 1] = f16(v.y);
                sh_x[place + 2] = f16(v.z);
                sh_x[place + 3] = f16(v.w);
            }
        }
    }
}

// Finishes the products of TILE pixels with the outputs from quad `c` on, and gives what a lane adds to the sums of
// its quad. All lanes call this; a subgroup's products are its own.
fn emit(t: Tile, pixel: i32, c: i32, own: i32, lane: i32) -> vec4<f32> {
    workgroupBarrier();
    var total = vec4<f32>(0.0);
    for (var e = lane; e < TILE * QUADS; e += SUBGROUP) {
        let y = t.y + (pixel + e / QUADS) / 8;
        let col = t.x + (pixel + e / QUADS) % 8;
        let quad = c + e % QUADS;
        if y < t.bottom && col < t.right && quad < p.dst.quads {
            let o = own + 4 * e;
            let sum = vec4<f32>(sh_products[o], sh_products[o + 1], sh_products[o + 2], sh_products[o + 3]);
            let stored = epilogue(sum + bias[quad], y, col, quad);
            dst[at(p.dst, y, col, quad)] = narrow_out(stored);
            total += stored;
        }
    }
    workgroupBarrier();
    return total;
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(subgroup_id) subgroup_index: u32,
    @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
    let t = tile(wg.x, wg.y);
    let subgroup = i32(subgroup_index);
    let lane = i32(subgroup_lane);
    let index = subgroup * SUBGROUP + lane;
    let strip = subgroup % STRIPS;
    let group = subgroup / STRIPS;
    // First pixel of the strip in its cell, first output, and outputs from one row of weights to the next.
    let pixel = strip * 4 * TILE;
    let output = (i32(wg.z) * GROUPS + group) * 2 * TILE;
    let outputs = i32(workgroups.z) * GROUPS * 2 * TILE;
    let slices = (source_quads() + 3) / 4;
    var sum0_0 = Sum();
    var sum0_1 = Sum();
    var sum1_0 = Sum();
    var sum1_1 = Sum();
    var sum2_0 = Sum();
    var sum2_1 = Sum();
    var sum3_0 = Sum();
    var sum3_1 = Sum();
    for (var slice = 0; slice < slices; slice++) {
        // What was there has been read.
        workgroupBarrier();
        stage(t, slice, index);
        workgroupBarrier();
        for (var ky = 0; ky < 3; ky++) {
            for (var kx = 0; kx < 3; kx++) {
                for (var k = 0; k < SLICE; k += TILE) {
                    let x = (kx * 80 + ky * 8 + pixel) * PITCH + k;
                    let w = (((ky * 3 + kx) * slices + slice) * SLICE + k) * outputs + output;
                    let x0 = coopLoadT<Left>(&sh_x[x + 0 * TILE * PITCH], u32(PITCH));
                    let x1 = coopLoadT<Left>(&sh_x[x + 1 * TILE * PITCH], u32(PITCH));
                    let x2 = coopLoadT<Left>(&sh_x[x + 2 * TILE * PITCH], u32(PITCH));
                    let x3 = coopLoadT<Left>(&sh_x[x + 3 * TILE * PITCH], u32(PITCH));
                    let w0 = coopLoadT<Right>(&weights[w], u32(outputs));
                    let w1 = coopLoadT<Right>(&weights[w + TILE], u32(outputs));
                    sum0_0 = coopMultiplyAdd(x0, w0, sum0_0);
                    sum0_1 = coopMultiplyAdd(x0, w1, sum0_1);
                    sum1_0 = coopMultiplyAdd(x1, w0, sum1_0);
                    sum1_1 = coopMultiplyAdd(x1, w1, sum1_1);
                    sum2_0 = coopMultiplyAdd(x2, w0, sum2_0);
                    sum2_1 = coopMultiplyAdd(x2, w1, sum2_1);
                    sum3_0 = coopMultiplyAdd(x3, w0, sum3_0);
                    sum3_1 = coopMultiplyAdd(x3, w1, sum3_1);
                }
            }
        }
    }

    let own = subgroup * TILE * TILE;
    let c0 = output / 4;
    let c1 = c0 + QUADS;
    var total0 = vec4<f32>(0.0);
    var total1 = vec4<f32>(0.0);
    coopStoreT(sum0_0, &sh_products[own], u32(TILE));
    total0 += emit(t, pixel + 0 * TILE, c0, own, lane);
    coopStoreT(sum1_0, &sh_products[own], u32(TILE));
    total0 += emit(t, pixel + 1 * TILE, c0, own, lane);
    coopStoreT(sum2_0, &sh_products[own], u32(TILE));
    total0 += emit(t, pixel + 2 * TILE, c0, own, lane);
    coopStoreT(sum3_0, &sh_products[own], u32(TILE));
    total0 += emit(t, pixel + 3 * TILE, c0, own, lane);
    coopStoreT(sum0_1, &sh_products[own], u32(TILE));
    total1 += emit(t, pixel + 0 * TILE, c1, own, lane);
    coopStoreT(sum1_1, &sh_products[own], u32(TILE));
    total1 += emit(t, pixel + 1 * TILE, c1, own, lane);
    coopStoreT(sum2_1, &sh_products[own], u32(TILE));
    total1 += emit(t, pixel + 2 * TILE, c1, own, lane);
    coopStoreT(sum3_1, &sh_products[own], u32(TILE));
    total1 += emit(t, pixel + 3 * TILE, c1, own, lane);
    // A lane's quad is the same for all of its pixels, since SUBGROUP is a multiple of QUADS.
    let quad = lane % QUADS;
    let place = ((group * QUADS + quad) * STRIPS + strip) * (SUBGROUP / QUADS) + lane / QUADS;
    pool(t, c0 + quad, place, total0);
    pool(t, c1 + quad, place, total1);
}
