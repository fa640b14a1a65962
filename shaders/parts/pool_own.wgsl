// Sums of a convolution's results per cell, by a lane that has all pixels of it.

// [cell rows][cell columns][output quads]
@group(0) @binding(4) var<storage, read_write> dst2: array<vec4<f32>>;

fn pool(t: Tile, c: i32, place: i32, sums: vec4<f32>) {
    if c < p.dst2.quads {
        dst2[at(p.dst2, t.cell_y, t.cell_x, c)] = sums;
    }
}
