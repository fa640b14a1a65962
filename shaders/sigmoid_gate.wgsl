// SAM's last step: x * sigmoid(x2) + residual.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(6) var<storage, read> x2: array<In>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let gate = sigmoid(widen_in(x2[at(p.x2, i.y, i.x, i.c)]));
        let v = widen_in(x[at(p.x, i.y, i.x, i.c)]) * gate;
        dst[at(p.dst, i.y, i.x, i.c)] = narrow_out(epilogue(v, i.y, i.x, i.c));
    }
}
