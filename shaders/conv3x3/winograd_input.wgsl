// Winograd, first stage: every tile of inputs, B^T d B, at all of its points.
//
//   lane: (tile, eight channels)      tiles overlap by two pixels; what lies past a patch's border is zero
//
//   cell of 8x8 pixels, F(4x4): 4 tiles of 6x6 inputs; F(2x2): 16 of 4x4
//
// A tile that lies past a narrow patch altogether is computed all the same: its results are never stored. Eight
// channels rather than four, so that a result is stored as a pair, in half as many stores.

// [point][tile][input octet]
@group(0) @binding(3) var<storage, read_write> dst: array<Pair>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = i32(wg.x * 64u + lane);
    let index = i / p.dst.quads;
    let cell = index / TILES;
    if cell >= p.columns * p.window_cell_rows {
        return;
    }
    let octet = i % p.dst.quads;
    let c = 2 * octet;
    let last = source_quads() - 1;
    let t = tile(u32(cell % p.columns), u32(cell / p.columns));
    let inner = index % TILES;
    let y = t.y + inner / SIDE * M - 1;
    let x = t.x + inner % SIDE * M - 1;
    // rows[r][h]: half h of the channels.
    var rows: array<array<Points, 2>, POINTS>;
    for (var r = 0; r < POINTS; r++) {
        var d: array<Points, 2>;
        for (var s = 0; s < POINTS; s++) {
            d[0][s] = padded(t, y + r, x + s, c);
            d[1][s] = select(vec4<f32>(0.0), padded(t, y + r, x + s, min(c + 1, last)), c < last);
        }
        rows[r] = array<Points, 2>(transform_input(d[0]), transform_input(d[1]));
    }
    for (var s = 0; s < POINTS; s++) {
        var d: array<Points, 2>;
        for (var r = 0; r < POINTS; r++) {
            d[0][r] = rows[r][0][s];
            d[1][r] = rows[r][1][s];
        }
        let below = transform_input(d[0]);
        let above = transform_input(d[1]);
        for (var r = 0; r < POINTS; r++) {
            dst[at(p.dst, r * POINTS + s, index, octet)] = pair(below[r], above[r]);
        }
    }
}
