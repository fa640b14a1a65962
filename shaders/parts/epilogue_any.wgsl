// What may follow a convolution's or an upsampling's sum: PReLU, or the addition of a residual. PReLU of slope 1 is
// nothing, and a residual without channels is none; the branch is uniform, and one pipeline serves all three.
@group(0) @binding(7) var<storage, read> residual: array<Res>;

fn epilogue(v: vec4<f32>, y: i32, col: i32, c: i32) -> vec4<f32> {
    if p.residual.quads == 0 {
        return select(p.scalar * v, v, v > vec4<f32>(0.0));
    }
    return v + widen_res(residual[at(p.residual, y, col, c)]);
}

// The same for four pixels side by side, whose residuals are on their way together.
fn epilogue4(v: array<vec4<f32>, 4>, y: i32, cols: vec4<i32>, c: i32) -> array<vec4<f32>, 4> {
    var result = v;
    if p.residual.quads == 0 {
        for (var i = 0; i < 4; i++) {
            result[i] = select(p.scalar * v[i], v[i], v[i] > vec4<f32>(0.0));
        }
    } else {
        for (var i = 0; i < 4; i++) {
            result[i] += widen_res(residual[at(p.residual, y, cols[i], c)]);
        }
    }
    return result;
}
