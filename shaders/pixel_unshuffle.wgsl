// Space to depth: channel c*r*r + dy*r + dx is channel c of pixel (dy, dx) of each r x r.

// [height / r][width / r][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
// [height][width][quads]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

fn channel(y: i32, col: i32, c: i32) -> f32 {
    let r = p.factor;
    let source = c / (r * r);
    if source >= p.channels {
        return 0.0;
    }
    return x[at(p.x, y * r + c / r % r, col * r + c % r, source / 4)][source % 4];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let c = i.c * 4;
        dst[at(p.dst, i.y, i.x, i.c)] = vec4<f32>(
            channel(i.y, i.x, c),
            channel(i.y, i.x, c + 1),
            channel(i.y, i.x, c + 2),
            channel(i.y, i.x, c + 3),
        );
    }
}
