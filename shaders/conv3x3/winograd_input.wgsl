// Winograd, first stage: every tile of inputs, B^T d B, at all of its points.
//
//   lane: (tile, quad of channels)      tiles overlap by two pixels; what lies past a patch's border is zero
//
//   cell of 8x8 pixels, F(4x4): 4 tiles of 6x6 inputs; F(2x2): 16 of 4x4
//
// A tile that lies past a narrow patch altogether is computed all the same: its results are never stored.

// [point][tile][quad]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = i32(wg.x * 64u + lane);
    let quads = source_quads();
    let tiles = p.columns * TILES;
    if i >= tiles * quads {
        return;
    }
    let c = i % quads;
    let in_row = i / quads;
    let t = tile(u32(in_row / TILES), wg.y);
    let inner = in_row % TILES;
    let y = t.y + inner / SIDE * M - 1;
    let x = t.x + inner % SIDE * M - 1;
    var rows: array<Points, POINTS>;
    for (var r = 0; r < POINTS; r++) {
        var d: Points;
        for (var s = 0; s < POINTS; s++) {
            d[s] = padded(t, y + r, x + s, c);
        }
        rows[r] = transform_input(d);
    }
    let index = i32(wg.y) * tiles + in_row;
    for (var s = 0; s < POINTS; s++) {
        var d: Points;
        for (var r = 0; r < POINTS; r++) {
            d[r] = rows[r][s];
        }
        let v = transform_input(d);
        for (var r = 0; r < POINTS; r++) {
            dst[at(p.dst, r * POINTS + s, index, c)] = v[r];
        }
    }
}
