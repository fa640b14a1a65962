// Sums per cell by the lane that has all of its pixels.

// [cell rows][cell columns][output quads]
@group(0) @binding(4) var<storage, read_write> dst2: array<vec4<f32>>;

fn cell_sums(t: Tile, c: i32, sums: vec4<f32>) {
    dst2[at(p.dst2, t.cell_y, t.cell_x, c)] = sums;
}
