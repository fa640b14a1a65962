fn pool(t: Tile, row: u32, group: u32, c: i32, sums: Sums) {
}
