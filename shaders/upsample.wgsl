// Bilinear x2, align_corners false: of the two source rows around a result the nearer weighs 3/4, the farther
// 1/4, clamped at patch borders; columns likewise. A residual (the skip connection) may be fused.

// [height / 2][width / 2][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;

// The nearer and the farther source of a result, in a patch of `side` results.
fn taps(i: i32, side: i32) -> vec2<i32> {
    let first = i / side * side / 2;
    let near = i / 2;
    return vec2<i32>(near, clamp(near + select(-1, 1, i % 2 == 1), first, first + side / 2 - 1));
}

fn row(y: i32, xs: vec2<i32>, c: i32) -> vec4<f32> {
    return 0.75 * widen_in(x[at(p.x, y, xs.x, c)]) + 0.25 * widen_in(x[at(p.x, y, xs.y, c)]);
}

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    let ys = taps(y, p.patch_height);
    let xs = taps(col, p.patch_width);
    return 0.75 * row(ys.x, xs, c) + 0.25 * row(ys.y, xs, c);
}
