// SAM's last step, and channel attention by a map: a * sigmoid(m) + x.
//
//   lane: a row of a column of cells, one quad of channels, or two side by side, as in gate.wgsl
//
// m has a quad for each pixel, or for each window that slides over a patch (box_mean.wgsl): a pixel takes that of the
// window around it, or the nearest to it, so that nothing is computed twice where windows end at the patch's border.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// a
@group(0) @binding(5) var<storage, read> x: array<In>;
// m, [windows from top to bottom][from left to right][quads], those of all patches
@group(0) @binding(6) var<storage, read> x2: array<In>;
// x
@group(0) @binding(7) var<storage, read> residual: array<Res>;

// The window for a row or column of a patch.
fn nearest(i: i32, side: i32, windows: i32) -> i32 {
    return clamp(i - (side - windows) / 2, 0, windows - 1);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let quads = p.dst.quads;
    let lanes = quads / QUADS;
    let column = i32(id.x) / lanes;
    let c = i32(id.x) % lanes * QUADS;
    let patch_col = column / p.cell_cols;
    let left = patch_col * p.patch_width;
    if left >= p.dst.width {
        return;
    }
    let y = p.first_row + i32(id.y);
    let patch_row = y / p.patch_height;
    let tall = p.x2.height / (p.dst.height / p.patch_height);
    let wide = p.x2.width / (p.dst.width / p.patch_width);
    let map_y = patch_row * tall + nearest(y - patch_row * p.patch_height, p.patch_height, tall);
    let map = at(p.x2, map_y, patch_col * wide, c);
    let begin = column % p.cell_cols * 8;
    let count = min(8, p.patch_width - begin);
    let first = (y * p.dst.width + left + begin) * quads + c;
    for (var i = 0; i < count; i++) {
        let m = widen_in(x2[place(map + nearest(begin + i, p.patch_width, wide) * quads)]);
        let gate = values(sigmoid(first_of(m)), sigmoid(second_of(m)));
        let quad = first + i * quads;
        let gated = scaled(gate, widen_in(x[place(p.x.base + quad)]));
        dst[place(p.dst.base + quad)] = narrow_out(gated + widen_res(residual[place(p.residual.base + quad)]));
    }
}
