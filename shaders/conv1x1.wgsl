// 1x1 convolution over one source, two, or one at half size; PReLU and residual fused. Register-blocked like
// conv3x3/block.wgsl, with the same thread mapping: see parts/block.wgsl.

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let t = tile(wg.x, wg.y);
    let y = t.y + i32(lane.x);
    let group = i32(wg.z * 8u + lane.y);
    let c = group * 2;
    if y >= t.bottom || c >= p.dst.quads {
        return;
    }
    begin(c);
    let quads = source_quads();
    let last = t.right - 1;
    let first_weight = group * quads * TAP;
    for (var i = 0; i < quads; i++) {
        column(
            first_weight + i * TAP,
            fetch(y, t.x, i),
            fetch(y, min(t.x + 1, last), i),
            fetch(y, min(t.x + 2, last), i),
            fetch(y, min(t.x + 3, last), i),
            fetch(y, min(t.x + 4, last), i),
            fetch(y, min(t.x + 5, last), i),
            fetch(y, min(t.x + 6, last), i),
            fetch(y, min(t.x + 7, last), i),
        );
    }
    finish(y, t.x, t.right, c);
}
