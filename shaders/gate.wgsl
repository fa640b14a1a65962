// Channel attention applied: gate * r + x, the gate of the patch that a pixel lies in.
//
//   lane: a row of a column of cells, one quad of channels: its gate is found and loaded once for eight pixels
//         or two quads side by side; where pixels have an odd number, of two pixels at a time
//
// Finding gates takes integer divisions, which software adapters do lane by lane: for each pixel they cost what its
// loads do.

// [height][width][quads], all three
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(7) var<storage, read> residual: array<Res>;
// [patch rows][patch columns][quads]
@group(0) @binding(8) var<storage, read> gates: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = p.dst.quads;
    // Pixels whose quads are shared out without a remainder.
    let pixels = select(QUADS, 1, quads % QUADS == 0);
    let lanes = pixels * quads / QUADS;
    let column = i32(id.x) / lanes;
    let c = i32(id.x) % lanes * QUADS;
    let patch_col = column / p.cell_cols;
    let left = patch_col * p.patch_width;
    if left >= p.dst.width {
        return;
    }
    let y = p.first_row + i32(id.y);
    let own = at(p.gates, y / p.patch_height, patch_col, 0);
    let gate = values(gates[own + c % quads], gates[own + (c + 1) % quads]);
    let begin = left + column % p.cell_cols * 8;
    let count = min(8, left + p.patch_width - begin) / pixels;
    let first = (y * p.dst.width + begin) * quads + c;
    for (var i = 0; i < count; i++) {
        let quad = first + i * pixels * quads;
        let gated = scaled(gate, widen_in(x[place(p.x.base + quad)]));
        dst[place(p.dst.base + quad)] = narrow_out(gated + widen_res(residual[place(p.residual.base + quad)]));
    }
}
