// Sums per cell of 8x8 pixels of a patch, in the order of parts/pool_shared.wgsl: rows, then rows of rows.

// [cell rows][cell columns][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
// [height][width][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let t = tile(wg.x, wg.y);
    let c = i32(wg.z * 64u + lane.x);
    if c >= p.dst.quads {
        return;
    }
    var total = vec4<f32>(0.0);
    for (var y = t.y; y < min(t.y + CELL, t.bottom); y++) {
        var row = vec4<f32>(0.0);
        for (var col = t.x; col < min(t.x + CELL, t.right); col++) {
            row += widen_in(x[at(p.x, y, col, c)]);
        }
        total += row;
    }
    dst[at(p.dst, t.cell_y, t.cell_x, c)] = total;
}
