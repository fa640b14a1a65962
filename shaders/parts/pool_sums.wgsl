// Sums of a convolution's results per cell: each lane brings its row of 8 pixels, the first lane of each group of
// outputs adds the rows from top to bottom. All lanes of the workgroup call this.

// [cell rows][cell columns][output quads]
@group(0) @binding(4) var<storage, read_write> dst2: array<vec4<f32>>;

var<workgroup> sh_sums: array<Sums, 64>;

fn pool(t: Tile, row: u32, group: u32, c: i32, sums: Sums) {
    let lane = group * 8u;
    sh_sums[lane + row] = sums;
    workgroupBarrier();
    if row == 0u && c < p.dst2.quads {
        var total = sh_sums[lane];
        for (var i = 1u; i < 8u; i++) {
            total.a += sh_sums[lane + i].a;
            total.b += sh_sums[lane + i].b;
        }
        let i = at(p.dst2, t.cell_y, t.cell_x, c);
        dst2[i] = total.a;
        if c + 1 < p.dst2.quads {
            dst2[i + 1] = total.b;
        }
    }
}
