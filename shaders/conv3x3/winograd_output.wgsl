// Winograd, third stage: A^T m A of every tile, then bias, epilogue, and sums per cell.
//
//   lane: (cell of 8x8 pixels, quad of output channels)
//
// Sums come as quads of tiles, one channel each; pixels go as quads of channels, one tile each: the transposition is
// a lane's own, so it costs no memory. A lane has all pixels of a cell, so pooling needs no other.

@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// [point][tile / 4][output, padded] of four tiles
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

// Stores a pixel that lies in its patch, and gives what it adds to the cell's sums.
fn put(t: Tile, y: i32, col: i32, c: i32, v: vec4<f32>) -> vec4<f32> {
    if y >= t.bottom || col >= t.right {
        return vec4<f32>(0.0);
    }
    let stored = epilogue(v, y, col, c);
    dst[at(p.dst, y, col, c)] = narrow_out(stored);
    return stored;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = i32(wg.x * 64u + lane);
    if i >= p.columns * p.dst.quads {
        return;
    }
    let c = i % p.dst.quads;
    let column = i / p.dst.quads;
    let t = tile(u32(column), wg.y);
    let cell = i32(wg.y) * p.columns + column;
    let b = bias[c];
    var sums = vec4<f32>(0.0);
    let four = 4 * p.x.height / (POINTS * POINTS);
    for (var g = 0; g < TILES / 4; g++) {
        let group = cell * (TILES / 4) + g;
        // pixels[k][r][s]: pixel (r, s) of tile k, four channels.
        var pixels: array<array<array<vec4<f32>, M>, M>, 4>;
        for (var j = 0; j < four; j++) {
            let own = vec4<i32>(j) == vec4<i32>(0, 1, 2, 3);
            // out[r][s]: pixel (r, s) of four tiles, channel j.
            var out: array<array<vec4<f32>, M>, M>;
            for (var r = 0; r * POINTS < p.x.height; r++) {
                var d: Points;
                for (var s = 0; s < POINTS; s++) {
                    d[s] = x[at(p.x, r * POINTS + s, group, 4 * c + j)];
                }
                let row = transform_output(d);
                let a = OUTPUT[r];
                for (var i = 0; i < M; i++) {
                    for (var s = 0; s < M; s++) {
                        out[i][s] += a[i] * row[s];
                    }
                }
            }
            for (var k = 0; k < 4; k++) {
                for (var r = 0; r < M; r++) {
                    for (var s = 0; s < M; s++) {
                        pixels[k][r][s] = select(pixels[k][r][s], vec4<f32>(out[r][s][k]), own);
                    }
                }
            }
        }
        for (var k = 0; k < four; k++) {
            let y = t.y + (4 * g + k) / SIDE * M;
            let col = t.x + (4 * g + k) % SIDE * M;
            for (var r = 0; r < M; r++) {
                for (var s = 0; s < M; s++) {
                    let low = select(pixels[0][r][s], pixels[1][r][s], k == 1);
                    let high = select(pixels[2][r][s], pixels[3][r][s], k == 3);
                    sums += put(t, y + r, col + s, c, select(low, high, k > 1) + b);
                }
            }
        }
    }
    pool(t, c, 0, sums);
}
