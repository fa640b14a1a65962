// The stage's image, [height][width][IMAGE_QUADS].
@group(0) @binding(4) var<storage, read_write> dst2: array<vec4<f32>>;

fn emit_image(y: i32, col: i32, c: i32, v: vec4<f32>) {
    dst2[at(p.dst2, y, col, c)] = v;
}
