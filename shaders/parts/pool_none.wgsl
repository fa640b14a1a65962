fn pool(t: Tile, c: i32, place: i32, sums: vec4<f32>) {
}
