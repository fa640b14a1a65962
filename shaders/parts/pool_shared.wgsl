// Sums of a convolution's results per cell, of which PARTS neighbouring places of LANES have some pixels each: the
// first of them adds, always in the same order. All lanes of a workgroup call this, each with a place of its own;
// `put_sum` and `sum_at` say where in workgroup memory the places are.

// [cell rows][cell columns][output quads]
@group(0) @binding(4) var<storage, read_write> dst2: array<vec4<f32>>;

fn pool(t: Tile, c: i32, place: i32, sums: vec4<f32>) {
    // What an earlier call left has been read.
    workgroupBarrier();
    put_sum(place, sums);
    workgroupBarrier();
    if place % PARTS == 0 && c < p.dst2.quads {
        var total = sum_at(place);
        for (var i = 1; i < PARTS; i++) {
            total += sum_at(place + i);
        }
        dst2[at(p.dst2, t.cell_y, t.cell_x, c)] = total;
    }
}
