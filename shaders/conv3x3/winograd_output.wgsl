// Winograd, third stage: A^T m A of every tile, then bias, epilogue, and sums per cell.
//
//   lane: (OCTETS x 8 tiles, quad of output channels): one cell of 8x8 pixels for F(2x2), two for F(4x4)
//
// Sums come as octets of tiles, one channel each; pixels go as quads of channels, one tile each: the transposition is
// a lane's own, so it costs no memory. A lane has all pixels of its cells, so pooling needs no other.

@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// [point][tile / 8][output, padded] of eight tiles
@group(0) @binding(5) var<storage, read> x: array<Pair>;

// Cells of a lane.
const CELLS: i32 = OCTETS * 8 / TILES;

// [h][k][r][s]: pixel (r, s) of tile k of half h, four channels.
alias Pixels = array<array<array<array<vec4<f32>, M>, M>, 4>, 2>;

// [h][r][s]: pixel (r, s) of the four tiles of half h, one channel.
alias Octet = array<array<array<vec4<f32>, M>, M>, 2>;

// What of a tile is stored: where it lies, its output quad, and its place among the pixels.
struct Place {
    t: Tile,
    y: i32,
    col: i32,
    c: i32,
    h: i32,
    k: i32,
}

// Adds the bias to a row of a tile, stores what lies in the patch, and gives what that adds to the cell's sums.
fn put(pixels: ptr<function, Pixels>, q: Place, r: i32, b: vec4<f32>) -> vec4<f32> {
    var sums = vec4<f32>(0.0);
    for (var s = 0; s < M; s++) {
        var v = (*pixels)[0][0][r][s];
        v = select(v, (*pixels)[0][1][r][s], q.k == 1);
        v = select(v, (*pixels)[0][2][r][s], q.k == 2);
        v = select(v, (*pixels)[0][3][r][s], q.k == 3);
        var w = (*pixels)[1][0][r][s];
        w = select(w, (*pixels)[1][1][r][s], q.k == 1);
        w = select(w, (*pixels)[1][2][r][s], q.k == 2);
        w = select(w, (*pixels)[1][3][r][s], q.k == 3);
        if q.y + r < q.t.bottom && q.col + s < q.t.right {
            let stored = epilogue(select(v, w, q.h == 1) + b, q.y + r, q.col + s, q.c);
            dst[at(p.dst, q.y + r, q.col + s, q.c)] = narrow_out(stored);
            sums += stored;
        }
    }
    return sums;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = i32(wg.x * 64u + lane);
    let c = i % p.dst.quads;
    let first = i / p.dst.quads * CELLS;
    let cells = p.columns * p.window_cell_rows;
    if first >= cells {
        return;
    }
    let b = bias[c];
    var sums = vec4<f32>(0.0);
    // Loops of unknown length are not unrolled, which keeps the program small where they need not be.
    let two = 2 * p.x.height / (POINTS * POINTS);
    for (var g = 0; g < OCTETS; g++) {
        var pixels: Pixels;
        for (var j = 0; j < 2 * two; j++) {
            let out = octet(first * TILES / 8 + g, 4 * c + j);
            let own = vec4<i32>(j) == vec4<i32>(0, 1, 2, 3);
            for (var h = 0; h < 2; h++) {
                for (var k = 0; k < 4; k++) {
                    for (var r = 0; r < M; r++) {
                        for (var s = 0; s < M; s++) {
                            pixels[h][k][r][s] = select(pixels[h][k][r][s], vec4<f32>(out[h][r][s][k]), own);
                        }
                    }
                }
            }
        }
        for (var h = 0; h < two; h++) {
            let index = 8 * g + 4 * h;
            let cell = first + index / TILES;
            var t = tile(u32(cell % p.columns), u32(cell / p.columns));
            if cell >= cells {
                t.bottom = t.y;
            }
            for (var k = 0; k < 2 * two; k++) {
                let inner = (index + k) % TILES;
                let q = Place(t, t.y + inner / SIDE * M, t.x + inner % SIDE * M, c, h, k);
                // Rows by name: a loop over them is too long for some compilers to unroll, see the second stage.
                sums += put(&pixels, q, 0, b) + put(&pixels, q, 1, b);
                if M == 4 {
                    sums += put(&pixels, q, M - 2, b) + put(&pixels, q, M - 1, b);
                }
            }
            if (index + 4) % TILES == 0 {
                if cell < cells {
                    pool(t, c, 0, sums);
                }
                sums = vec4<f32>(0.0);
            }
        }
    }
}
