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

// [r][s]: pixel (r, s) of four tiles, one channel.
alias Block = array<array<vec4<f32>, M>, M>;

// Stores a pixel that lies in its patch, and gives what it adds to the cell's sums.
fn put(t: Tile, y: i32, col: i32, c: i32, v: vec4<f32>) -> vec4<f32> {
    if y >= t.bottom || col >= t.right {
        return vec4<f32>(0.0);
    }
    let stored = epilogue(v, y, col, c);
    dst[at(p.dst, y, col, c)] = narrow_out(stored);
    return stored;
}

// The one of four that `k` counts.
fn nth(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>, k: i32) -> vec4<f32> {
    return select(select(a, b, k == 1), select(c, d, k == 3), k > 1);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = i32(wg.x * 64u + lane);
    let c = i % p.dst.quads;
    let first = i / p.dst.quads * CELLS;
    let cells = p.columns * p.bands;
    if first >= cells {
        return;
    }
    let b = bias[c];
    var sums = vec4<f32>(0.0);
    // Loops of unknown length are not unrolled, which keeps the program small where they need not be.
    let two = 2 * p.x.height / (POINTS * POINTS);
    for (var g = 0; g < OCTETS; g++) {
        // pixels[h][k][r][s]: pixel (r, s) of tile k of half h, four channels.
        var pixels: array<array<array<array<vec4<f32>, M>, M>, 4>, 2>;
        for (var j = 0; j < 2 * two; j++) {
            var out: array<Block, 2>;
            for (var r = 0; r * POINTS < p.x.height; r++) {
                var d: array<Points, 2>;
                for (var s = 0; s < POINTS; s++) {
                    let v = x[at(p.x, r * POINTS + s, first * TILES / 8 + g, 4 * c + j)];
                    d[0][s] = low(v);
                    d[1][s] = high(v);
                }
                let a = OUTPUT[r];
                for (var h = 0; h < 2; h++) {
                    let row = transform_output(d[h]);
                    for (var i = 0; i < M; i++) {
                        for (var s = 0; s < M; s++) {
                            out[h][i][s] += a[i] * row[s];
                        }
                    }
                }
            }
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
                let y = t.y + inner / SIDE * M;
                let col = t.x + inner % SIDE * M;
                for (var r = 0; r < M; r++) {
                    for (var s = 0; s < M; s++) {
                        let u = pixels[0];
                        let v = pixels[1];
                        let low = nth(u[0][r][s], u[1][r][s], u[2][r][s], u[3][r][s], k);
                        let high = nth(v[0][r][s], v[1][r][s], v[2][r][s], v[3][r][s], k);
                        sums += put(t, y + r, col + s, c, select(low, high, h == 1) + b);
                    }
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
