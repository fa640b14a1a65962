// Sums of a convolution's results per cell, of which PARTS neighbouring places of LANES have some pixels each: the
// first of them adds, always in the same order. All lanes of a workgroup call this, each with a place of its own. In
// the products' memory, so that workgroups take no more of it.

// [cell rows][cell columns][output quads]
@group(0) @binding(4) var<storage, read_write> dst2: array<vec4<f32>>;

fn pool(t: Tile, c: i32, place: i32, sums: vec4<f32>) {
    // The products have been read.
    workgroupBarrier();
    sh_products[4 * place] = sums.x;
    sh_products[4 * place + 1] = sums.y;
    sh_products[4 * place + 2] = sums.z;
    sh_products[4 * place + 3] = sums.w;
    workgroupBarrier();
    if place % PARTS == 0 && c < p.dst2.quads {
        var total = product(place);
        for (var i = 1; i < PARTS; i++) {
            total += product(place + i);
        }
        dst2[at(p.dst2, t.cell_y, t.cell_x, c)] = total;
    }
}
