// Bilinear x0.5, align_corners false: the mean of each 2x2, which is what parts/source_half.wgsl reads.

// [height / 2][width / 2][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        dst[at(p.dst, i.y, i.x, i.c)] = narrow_out(fetch(i.y, i.x, i.c));
    }
}
