@group(0) @binding(7) var<storage, read> residual: array<Res>;

fn epilogue(v: vec4<f32>, y: i32, col: i32, c: i32) -> vec4<f32> {
    return v + widen_res(residual[at(p.residual, y, col, c)]);
}
