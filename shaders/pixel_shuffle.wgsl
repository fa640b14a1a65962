// Depth to space: channel c of pixel (y, x) is channel c*r*r + (y mod r)*r + (x mod r) of pixel (y/r, x/r).
//
// r is a constant: a lane has four channels with three divisions each, which are shifts then.

// [height / r][width / r][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;

fn channel(y: i32, col: i32, c: i32) -> f32 {
    let r = FACTOR;
    let source = (c * r + y % r) * r + col % r;
    if source >= p.channels {
        return 0.0;
    }
    return widen_in(x[at(p.x, y / r, col / r, source / 4)])[source % 4];
}
