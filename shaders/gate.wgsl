// Channel attention applied: gate * r + x, the gate of the patch that a pixel lies in.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
@group(0) @binding(5) var<storage, read> x: array<In>;
// [patch rows][patch columns][quads]
@group(0) @binding(8) var<storage, read> gates: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let gate = gates[at(p.gates, i.y / p.patch_height, i.x / p.patch_width, i.c)];
        let r = widen_in(x[at(p.x, i.y, i.x, i.c)]);
        dst[at(p.dst, i.y, i.x, i.c)] = narrow_out(epilogue(gate * r, i.y, i.x, i.c));
    }
}
