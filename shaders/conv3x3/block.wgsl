// 3x3 convolution, stride 1, zero padding of one pixel at patch borders; one or two sources; PReLU, residual and
// pooled sums fused. Register-blocked: see ../parts/block.wgsl.
//
//   workgroup (cell column, cell row, 64 outputs)       lane (row of the cell, group of 8 outputs)
//   +--------+
//   |oooooooo| <- 8 pixels x 8 outputs in registers of one lane; it reads a 10-pixel row of inputs
//   |........|    three times (ky), each input quad feeding the three kx from registers
//   +--------+
//
// A row of lanes shares its weights (uniform loads, or one cache line); lanes of a column share their inputs.
// Groups past the last output leave at once: a subgroup of 8 or 32 lanes holds 1 or 4 groups, so few idle.

// Rows of a cell, and lanes of a workgroup, for pooling.
const PARTS: i32 = 8;
const LANES: i32 = 64;

fn tap(t: Tile, y: i32, col: i32, c: i32) -> vec4<f32> {
    let inside = col >= t.left && col < t.right;
    return select(vec4<f32>(0.0), fetch(y, clamp(col, t.left, t.right - 1), c), inside);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let t = tile(wg.x, wg.y);
    let y = t.y + i32(lane.x);
    let group = i32(wg.z * 8u + lane.y);
    let c = group * 2;
    var sums = Sums(vec4<f32>(0.0), vec4<f32>(0.0));
    if y < t.bottom && c < p.dst.quads {
        begin(c);
        let quads = source_quads();
        for (var ky = 0; ky < 3; ky++) {
            let sy = y + ky - 1;
            if sy >= t.top && sy < t.bottom {
                var w = (group * 3 + ky) * quads * 3 * TAP;
                for (var i = 0; i < quads; i++) {
                    let v0 = tap(t, sy, t.x - 1, i);
                    let v1 = tap(t, sy, t.x, i);
                    let v2 = tap(t, sy, t.x + 1, i);
                    let v3 = tap(t, sy, t.x + 2, i);
                    let v4 = tap(t, sy, t.x + 3, i);
                    let v5 = tap(t, sy, t.x + 4, i);
                    let v6 = tap(t, sy, t.x + 5, i);
                    let v7 = tap(t, sy, t.x + 6, i);
                    let v8 = tap(t, sy, t.x + 7, i);
                    let v9 = tap(t, sy, t.x + 8, i);
                    column(w, v0, v1, v2, v3, v4, v5, v6, v7);
                    column(w + TAP, v1, v2, v3, v4, v5, v6, v7, v8);
                    column(w + 2 * TAP, v2, v3, v4, v5, v6, v7, v8, v9);
                    w += 3 * TAP;
                }
            }
        }
        sums = finish(y, t.x, t.right, c);
    }
    let place = i32(lane.y * 8u + lane.x);
    pool(t, c, place, sums.a);
    pool(t, c + 1, place, sums.b);
}
