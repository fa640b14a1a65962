// Sums of a convolution's results per cell, of which PARTS neighbouring places of LANES have some pixels each: the
// first of them adds, always in the same order. All lanes of a workgroup call this, each with a place of its own.

// [cell rows][cell columns][output quads]
@group(0) @binding(4) var<storage, read_write> dst2: array<vec4<f32>>;

var<workgroup> sh_sums: array<vec4<f32>, LANES>;

fn pool(t: Tile, c: i32, place: i32, sums: vec4<f32>) {
    // What an earlier call left has been read.
    workgroupBarrier();
    sh_sums[place] = sums;
    workgroupBarrier();
    if place % PARTS == 0 && c < p.dst2.quads {
        var total = sh_sums[place];
        for (var i = 1; i < PARTS; i++) {
            total += sh_sums[place + i];
        }
        dst2[at(p.dst2, t.cell_y, t.cell_x, c)] = total;
    }
}
