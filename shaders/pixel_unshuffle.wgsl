// Space to depth: channel c*r*r + dy*r + dx is channel c of pixel (dy, dx) of each r x r.
//
// r is a constant: a lane has four channels with four divisions each, which are shifts then.

// [height * r][width * r][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;

fn channel(y: i32, col: i32, c: i32) -> f32 {
    let r = FACTOR;
    let source = c / (r * r);
    if source >= p.channels {
        return 0.0;
    }
    return widen_in(x[at(p.x, y * r + c / r % r, col * r + c % r, source / 4)])[source % 4];
}
