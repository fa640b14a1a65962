// 3x3 convolution, stride 1, zero padding of one pixel at patch borders; one or two sources; PReLU, residual and
// pooled sums fused. Register-blocked: a lane owns a run of pixels of a row and 8 outputs, reads the run and the pixels
// beside it three times (ky), and each of them serves three taps (kx) from registers. How long a run is, and which lane
// has which: ../parts/block.wgsl, ../parts/block_4x8.wgsl.

// Lanes of a workgroup, for pooling.
const LANES: i32 = 64;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let r = run_of(wg, lane);
    let group = r.c / 2;
    var sums = Sums(vec4<f32>(0.0), vec4<f32>(0.0));
    if r.y < r.t.bottom && r.c < p.dst.quads {
        begin(r.c);
        let quads = source_quads();
        for (var ky = 0; ky < 3; ky++) {
            let y = r.y + ky - 1;
            if y >= r.t.top && y < r.t.bottom {
                aim(r, y);
                var w = (group * 3 + ky) * quads * 3 * TAP;
                for (var i = 0; i < quads; i++) {
                    row(r, y, w, i);
                    w += 3 * TAP;
                }
            }
        }
        sums = finish(r);
    }
    let place = i32(lane.y * 8u + lane.x);
    let c = select(p.dst.quads, r.c, r.t.x < r.t.right);
    pool(r.t, c, place, sums.a);
    pool(r.t, c + 1, place, sums.b);
}
