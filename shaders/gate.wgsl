// Channel attention applied: gate * r + x, the gate of the patch that a pixel lies in. x is added by
// parts/epilogue_residual.wgsl.
//
//   lane: eight pixels of a row in a column of cells, one quad of channels: its gate is found and loaded once
//
// Finding it takes integer divisions, which software adapters do lane by lane: for each pixel they cost what its
// loads do.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// [patch rows][patch columns][quads]
@group(0) @binding(8) var<storage, read> gates: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let column = i32(id.x) / p.dst.quads;
    let c = i32(id.x) % p.dst.quads;
    let patch_col = column / p.cell_cols;
    let left = patch_col * p.patch_width;
    if left >= p.dst.width {
        return;
    }
    let y = p.first_row + i32(id.y);
    let gate = gates[at(p.gates, y / p.patch_height, patch_col, c)];
    let first = left + column % p.cell_cols * 8;
    let end = min(first + 8, left + p.patch_width);
    for (var col = first; col < end; col++) {
        dst[at(p.dst, y, col, c)] = narrow_out(epilogue(gate * fetch(y, col, c), y, col, c));
    }
}
