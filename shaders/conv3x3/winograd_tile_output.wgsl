// Winograd F(4x4) on GPUs, third stage: A^T m A of a tile, then bias, epilogue, and sums per cell.
//
//   workgroup: 16 quads of outputs side by side (the next cell's follow a cell's last) x the 4 tiles of their cell
//   lane: (quad, tile), 16 pixels and a row of points in registers
//
// Every row of points adds to all pixels: sums and differences of pairs of rows would take a quarter less arithmetic
// and a tenth more registers, where memory is what is waited for. Lanes side by side read and write quads side by side.

@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// [point][tile][output quad, padded]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

// Tiles of a cell, and lanes of a workgroup, for pooling.
const PARTS: i32 = 4;
const LANES: i32 = 64;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let unit = i32(wg.x * 16u + lane % 16u);
    let cells = p.columns * p.window_cell_rows;
    let c = unit % p.dst.quads;
    let there = unit / p.dst.quads < cells;
    let cell = min(unit / p.dst.quads, cells - 1);
    let inner = i32(lane / 16u);
    let t = tile(u32(cell % p.columns), u32(cell / p.columns));
    let y = t.y + inner / SIDE * M;
    let col = t.x + inner % SIDE * M;

    let plane = p.x.width * p.x.quads;
    let place = at(p.x, 0, cell * TILES + inner, c);
    // out[i][s]: pixel (i, s).
    var out: array<array<vec4<f32>, M>, M>;
    for (var r = 0; r < POINTS; r++) {
        var d: Points;
        for (var s = 0; s < POINTS; s++) {
            d[s] = x[place + (r * POINTS + s) * plane];
        }
        let a = OUTPUT[r];
        let row = transform_output(d);
        for (var s = 0; s < M; s++) {
            for (var i = 0; i < M; i++) {
                out[i][s] = fma(vec4<f32>(a[i]), row[s], out[i][s]);
            }
        }
    }
    let b = bias[c];
    let bottom = select(t.y, t.bottom, there);
    let cols = min(vec4<i32>(0, 1, 2, 3) + col, vec4<i32>(t.right - 1));
    var sums = vec4<f32>(0.0);
    for (var i = 0; i < M; i++) {
        if y + i < bottom {
            var sum = out[i];
            for (var s = 0; s < M; s++) {
                sum[s] += b;
            }
            let stored = epilogue4(sum, y + i, cols, c);
            let o = at(p.dst, y + i, col, c);
            for (var s = 0; s < M; s++) {
                if col + s < t.right {
                    dst[o + s * p.dst.quads] = narrow_out(stored[s]);
                    sums += stored[s];
                }
            }
        }
    }
    pool(t, select(p.dst.quads, c, there), i32(lane % 16u) * PARTS + inner, sums);
}
