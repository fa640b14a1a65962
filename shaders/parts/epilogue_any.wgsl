// What may follow a convolution's or an upsampling's sum: PReLU, or the addition of a residual. PReLU of slope 1 is
// nothing, and a residual without channels is none; the branch is uniform, and one pipeline serves all three.
@group(0) @binding(7) var<storage, read> residual: array<Res>;

fn epilogue(v: vec4<f32>, y: i32, col: i32, c: i32) -> vec4<f32> {
    if p.residual.quads == 0 {
        return select(p.scalar * v, v, v > vec4<f32>(0.0));
    }
    return v + widen_res(residual[at(p.residual, y, col, c)]);
}
