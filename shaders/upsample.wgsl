// Bilinear x2, align_corners false: of the two source rows around a result the nearer weighs 3/4, the farther
// 1/4, clamped at patch borders; columns likewise. A residual (the skip connection) may be fused.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// [height / 2][width / 2][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;

// The nearer and the farther source of a result, in a patch of `side` results.
fn taps(i: i32, side: i32) -> vec2<i32> {
    let first = i / side * side / 2;
    let near = i / 2;
    return vec2<i32>(near, clamp(near + select(-1, 1, i % 2 == 1), first, first + side / 2 - 1));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = position(id);
    if i.inside {
        let ys = taps(i.y, p.patch_height);
        let xs = taps(i.x, p.patch_width);
        let near = 0.75 * widen_in(x[at(p.x, ys.x, xs.x, i.c)]) + 0.25 * widen_in(x[at(p.x, ys.x, xs.y, i.c)]);
        let far = 0.75 * widen_in(x[at(p.x, ys.y, xs.x, i.c)]) + 0.25 * widen_in(x[at(p.x, ys.y, xs.y, i.c)]);
        dst[at(p.dst, i.y, i.x, i.c)] = narrow_out(epilogue(0.75 * near + 0.25 * far, i.y, i.x, i.c));
    }
}
