fn emit_image(y: i32, col: i32, c: i32, v: vec4<f32>) {
}
