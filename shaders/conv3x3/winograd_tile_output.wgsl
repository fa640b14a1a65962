// Winograd F(4x4) on GPUs, third stage: A^T m A of a tile, then bias, epilogue, and sums per cell.
//
//   workgroup: 16 quads of outputs side by side (the next cell's follow a cell's last) x the 4 tiles of their cell
//   lane: (quad, tile), at most 16 pixels and two rows of points in registers
//
// Rows of points go by pairs, whose sums and differences the pixels are made of. Lanes side by side read and write quads
// side by side.

@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][output quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// [point][tile][output quad, padded]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

// Tiles of a cell, and lanes of a workgroup, for pooling.
const PARTS: i32 = 4;
const LANES: i32 = 64;

// A row of points, which begins at `place`.
fn points(place: i32, plane: i32) -> Points {
    var d: Points;
    for (var s = 0; s < POINTS; s++) {
        d[s] = x[place + s * plane];
    }
    return d;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let unit = i32(wg.x * 16u + lane % 16u);
    let cells = p.columns * p.bands;
    let c = unit % p.dst.quads;
    let there = unit / p.dst.quads < cells;
    let cell = min(unit / p.dst.quads, cells - 1);
    let inner = i32(lane / 16u);
    let t = tile(u32(cell % p.columns), u32(cell / p.columns));
    let y = t.y + inner / SIDE * M;
    let col = t.x + inner % SIDE * M;

    let plane = p.x.width * p.x.quads;
    let rows = POINTS * plane;
    let place = at(p.x, 0, cell * TILES + inner, c);
    let b = bias[c];
    // out[i][s]: pixel (i, s).
    var out: array<array<vec4<f32>, M>, M>;
    let r1 = transform_output(points(place + rows, plane));
    let r2 = transform_output(points(place + 2 * rows, plane));
    for (var s = 0; s < M; s++) {
        out[0][s] = r1[s] + r2[s] + b;
        out[1][s] = r1[s] - r2[s] + b;
    }
    let r3 = transform_output(points(place + 3 * rows, plane));
    let r4 = transform_output(points(place + 4 * rows, plane));
    for (var s = 0; s < M; s++) {
        let sum = r3[s] + r4[s];
        let difference = r3[s] - r4[s];
        out[2][s] = fma(vec4<f32>(4.0), sum, out[0][s]);
        out[3][s] = fma(vec4<f32>(8.0), difference, out[1][s]);
        out[0][s] += sum;
        out[1][s] = fma(vec4<f32>(2.0), difference, out[1][s]);
    }
    let r0 = transform_output(points(place, plane));
    let r5 = transform_output(points(place + 5 * rows, plane));
    for (var s = 0; s < M; s++) {
        out[0][s] += r0[s];
        out[3][s] += r5[s];
    }
    let bottom = select(t.y, t.bottom, there);
    let cols = vec4<i32>(0, 1, 2, 3) + col;
    var sums = vec4<f32>(0.0);
    for (var i = 0; i < M; i++) {
        let row = min(y + i, t.bottom - 1);
        let stored = epilogue4(out[i], row, min(cols, vec4<i32>(t.right - 1)), c);
        let o = at(p.dst, y + i, col, c);
        for (var s = 0; s < M; s++) {
            if y + i < bottom && cols[s] < t.right {
                dst[o + s * p.dst.quads] = narrow_out(stored[s]);
                sums += stored[s];
            }
        }
    }
    pool(t, select(p.dst.quads, c, there), i32(lane % 16u) * PARTS + inner, sums);
}
