fn cell_sums(t: Tile, c: i32, sums: vec4<f32>) {
}
