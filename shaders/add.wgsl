// Sum of two tensors of one shape.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
@group(0) @binding(5) var<storage, read> x: array<In>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let v = widen_in(x[at(p.x, i.y, i.x, i.c)]);
        dst[at(p.dst, i.y, i.x, i.c)] = narrow_out(epilogue(v, i.y, i.x, i.c));
    }
}
