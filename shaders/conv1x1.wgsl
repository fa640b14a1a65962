// 1x1 convolution over one source, two, or one at half size; PReLU and residual fused. Register-blocked like
// conv3x3/block.wgsl, with the same thread mapping: see parts/block.wgsl, parts/block_4x8.wgsl.

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let r = run_of(wg, lane);
    if r.y >= r.t.bottom || r.c >= p.dst.quads {
        return;
    }
    begin(r.c);
    aim_inside(r);
    let quads = source_quads();
    let first_weight = r.c / 2 * quads * TAP;
    for (var i = 0; i < quads; i++) {
        point(r, first_weight + i * TAP, i);
    }
    finish(r);
}
