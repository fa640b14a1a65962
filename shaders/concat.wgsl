// Concatenation by channel of x (p.channels of them) and x2. Channels of a quad may come from both where the
// count of x is no multiple of 4; those past the last stay zero, as every operator keeps them.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(6) var<storage, read> x2: array<In>;

fn channel(y: i32, col: i32, c: i32) -> f32 {
    if c < p.channels {
        return widen_in(x[at(p.x, y, col, c / 4)])[c % 4];
    }
    let rest = c - p.channels;
    if rest < p.x2.quads * 4 {
        return widen_in(x2[at(p.x2, y, col, rest / 4)])[rest % 4];
    }
    return 0.0;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let c = i.c * 4;
        let v = vec4<f32>(
            channel(i.y, i.x, c),
            channel(i.y, i.x, c + 1),
            channel(i.y, i.x, c + 2),
            channel(i.y, i.x, c + 3),
        );
        dst[at(p.dst, i.y, i.x, i.c)] = narrow_out(v);
    }
}
