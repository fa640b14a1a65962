// SAM's last step: a * sigmoid(m) + x. x is added by parts/epilogue_residual.wgsl.

// m, [height][width][quads]
@group(0) @binding(6) var<storage, read> x2: array<In>;

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return fetch(y, col, c) * sigmoid(widen_in(x2[at(p.x2, y, col, c)]));
}
