// 3x3 convolution, stride 1, zero padding of one pixel at patch borders: register blocks fed from workgroup memory. A
// matrix product whose left side, [pixel][tap][input], is never written out.
//
//   workgroup: CELLS cells side by side x GROUPS groups of QUADS quads of outputs
//   lane (row of the cell, cell, group): 8 pixels of its group in registers, see ../parts/run_8x4.wgsl
//
//   +--------+--------+       a quad of inputs at a time: the cells with the pixels around them;
//   |oooooooo|........|       a row of taps of it at a time: 3 taps x 4 inputs x the outputs' weights
//   |........|........|
//
// While a row of taps is multiplied, the next row's weights and a third of the next quad's pixels are on their way from
// storage. Weights are double-buffered in workgroup memory; pixels wait in registers until the last row of taps is done
// if EARLY is 1, else they are loaded then: where a register that outlives a barrier is memory, and where a compiler
// moves the loads down there anyway but finds registers for them before. In storage every pixel is read once for all
// outputs of a workgroup, every weight once for its pixels. The cells lie in one patch: where its cells are no multiple
// of CELLS, the last workgroup has fewer.
//
// What is in flight must not be waited for before the products are done, and compilers wait where a value is first
// used or where a branch around its load ends. So loads and stores have no branch: a lane that has nothing to move
// loads something else and stores it in a spare place, and what lies past a border is made zero when it is stored.
// Which pixel goes where is found once, before the loop: it takes divisions.

// Lanes that have the same outputs, and all of a workgroup.
const SPAN: i32 = 8 * CELLS;
const LANES: i32 = SPAN * GROUPS;
// vec4 of weights that a row of taps has for a group, and for all of them, with a spare place.
const ROW: i32 = 3 * TAP;
const ROWS: i32 = ROW * GROUPS + 1;

// [buffer][group][kx][output quad][input], and a spare place; in the end sums for pooling, one a lane
var<workgroup> sh_weights: array<vec4<f32>, max(2 * ROWS, LANES)>;
// The first cell: what waits here until the end takes no registers in the loop.
var<workgroup> sh_tile: Tile;

fn weight_at(w: i32) -> vec4<f32> {
    return sh_weights[w];
}

fn put_sum(place: i32, v: vec4<f32>) {
    sh_weights[place] = v;
}

fn sum_at(place: i32) -> vec4<f32> {
    return sh_weights[place];
}

// What goes to place `e` of the first channel: the number of a pixel in the tensor, or -1 past a border or the places.
fn pixel_of(t: Tile, e: i32) -> i32 {
    let y = t.y + e / WIDTH - 1;
    let col = t.x + e % WIDTH - 1;
    let inside = y >= t.top && y < t.bottom && col >= t.left && col < t.right && e < PLANE;
    return select(-1, number(y, col), inside);
}

// Where there is none: a pixel that is sure to lie in what is bound.
fn load_pixel(pixel: i32, c: i32) -> In {
    return stored(select(number(p.first_row, 0), pixel, pixel >= 0), c);
}

// One of the three pixels that a lane moves. Lanes past the last place share it: it is padding. Where no lane has a
// place, nothing is stored: FXC refuses what all lanes would store at one.
fn store_pixel(pixel: i32, part: i32, lane: i32, v: In) {
    if part * LANES < PLANE {
        put_pixel(min(lane + part * LANES, PLANE - 1), select(vec4<f32>(0.0), widen_in(v), pixel >= 0));
    }
}

fn convolve(wg: vec3<u32>, lane: i32, place: i32) {
    let t = run_tile(wg.x, wg.y, CELLS);
    if lane == 0 {
        sh_tile = t;
    }
    let first = i32(wg.z) * GROUPS;
    let last = (p.dst.quads - 1) / QUADS;
    let quads = source_quads();
    let group = alike(lane / SPAN);
    let cell = lane % SPAN / 8;
    let pixel0 = pixel_of(t, lane);
    let pixel1 = pixel_of(t, lane + LANES);
    let pixel2 = pixel_of(t, lane + 2 * LANES);
    // Groups past the last are the last again, and store nothing.
    let e = min(lane, ROWS - 1);
    let w = min(first + e / ROW, last) * 3 * quads * ROW + e % ROW;
    store_pixel(pixel0, 0, lane, load_pixel(pixel0, 0));
    store_pixel(pixel1, 1, lane, load_pixel(pixel1, 0));
    store_pixel(pixel2, 2, lane, load_pixel(pixel2, 0));
    sh_weights[e] = weight(w);
    let x = lane % 8 * WIDTH + cell * 8;
    let own = group * ROW;
    workgroupBarrier();
    begin(QUADS * min(first + group, last));
    for (var i = 0; i < quads; i++) {
        let next = min(i + 1, quads - 1);
        let even = i % 2;
        let odd = 1 - even;
        var v0: In;
        var v1: In;
        var v2: In;

        if EARLY == 1 {
            v0 = load_pixel(pixel0, next);
        }
        let w0 = weight(w + (quads + i) * ROW);
        line(x, even * ROWS + own);
        sh_weights[e + odd * ROWS] = w0;
        workgroupBarrier();

        if EARLY == 1 {
            v1 = load_pixel(pixel1, next);
        }
        let w1 = weight(w + (2 * quads + i) * ROW);
        line(x + WIDTH, odd * ROWS + own);
        sh_weights[e + even * ROWS] = w1;
        workgroupBarrier();

        if EARLY == 1 {
            v2 = load_pixel(pixel2, next);
        }
        let w2 = weight(w + next * ROW);
        line(x + 2 * WIDTH, even * ROWS + own);
        sh_weights[e + odd * ROWS] = w2;
        workgroupBarrier();

        if EARLY == 0 {
            v0 = load_pixel(pixel0, next);
            v1 = load_pixel(pixel1, next);
            v2 = load_pixel(pixel2, next);
        }
        store_pixel(pixel0, 0, lane, v0);
        store_pixel(pixel1, 1, lane, v1);
        store_pixel(pixel2, 2, lane, v2);
        workgroupBarrier();
    }

    var done = sh_tile;
    done.x += 8 * cell;
    done.cell_x += cell;
    let c = select(p.dst.quads, QUADS * (first + group), done.x < done.right);
    end(done, done.y + lane % 8, c, lane);
}
