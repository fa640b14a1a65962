// Winograd F(4x4) on GPUs, first stage: half the points of a tile of inputs, B^T d B.
//
//   workgroup: 16 quads of channels side by side (the next cell's follow a cell's last) x the 4 tiles of their cell
//   lane: (quad, tile); y of the grid: rows 0, 1, 2 of the points, or 5, 3, 4
//
//   cell of 8x8 pixels: 4 tiles of 6x6 inputs, which overlap by two pixels; past a patch's border they are zero
//
// All 36 points of a quad are 144 registers; half of them are 72, and take five rows of pixels. The lower half is the
// upper of the tile turned upside down, with other coefficients, which are uniform. Lanes side by side read and write
// quads side by side. A tile that lies past a narrow patch altogether is computed all the same: its results are never
// stored.

// [point][tile][input quad, padded]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;

// Where row `r` of the half's five begins, and 1, or 0 past the patch's border.
struct Row {
    place: Place,
    there: f32,
}

fn row(t: Tile, y: i32, c: i32) -> Row {
    let place = down(clamp(y, t.top, t.bottom - 1)) + Place(c);
    return Row(place, select(0.0, 1.0, y >= t.top && y < t.bottom));
}

fn store(at0: i32, plane: i32, d: Points) {
    let points = transform_input(d);
    for (var s = 0; s < POINTS; s++) {
        dst[at0 + s * plane] = points[s];
    }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let unit = i32(wg.x * 16u + lane % 16u);
    let cell = unit / p.dst.quads;
    if cell >= p.columns * p.window_cell_rows {
        return;
    }
    let c = unit % p.dst.quads;
    let inner = i32(lane / 16u);
    let t = tile(u32(cell % p.columns), u32(cell / p.columns));
    let y = t.y + inner / SIDE * M - 1;
    let x = t.x + inner % SIDE * M - 1;
    // Channels that pad the quads of the product are zero.
    let quad = min(c, source_quads() - 1);
    let right = select(t.left, t.right, c < source_quads());

    let lower = wg.y == 1u;
    let first = y + select(0, POINTS - 1, lower);
    let step = select(1, -1, lower);
    let r0 = row(t, first, quad);
    let r1 = row(t, first + step, quad);
    let r2 = row(t, first + 2 * step, quad);
    let r3 = row(t, first + 3 * step, quad);
    let r4 = row(t, first + 4 * step, quad);
    // Rows 0, 1, 2: 4 d0 - 5 d2 + d4, and the sum and the difference of d4 - 4 d2 and d3 - 4 d1. From below: d0 - 5 d2
    // + 4 d4, and the sum of 2 (d2 - d4) and d1 - d3, and the difference the other way round.
    let end = select(vec2<f32>(4.0, 1.0), vec2<f32>(1.0, 4.0), lower) * vec2<f32>(r0.there, r4.there);
    let middle = -5.0 * r2.there;
    let even = select(vec2<f32>(-4.0, 1.0), vec2<f32>(2.0, -2.0), lower) * vec2<f32>(r2.there, r4.there);
    let odd = select(vec2<f32>(-4.0, 1.0), vec2<f32>(1.0, -1.0), lower) * vec2<f32>(r1.there, r3.there);
    let sign = f32(step);
    var a: Points;
    var b: Points;
    var e: Points;
    for (var s = 0; s < POINTS; s++) {
        let col = x + s;
        let place = across(clamp(col, t.left, t.right - 1));
        let d0 = fetch_at(r0.place + place, quad);
        let d1 = fetch_at(r1.place + place, quad);
        let d2 = fetch_at(r2.place + place, quad);
        let d3 = fetch_at(r3.place + place, quad);
        let d4 = fetch_at(r4.place + place, quad);
        let there = col >= t.left && col < right;
        let v = even.x * d2 + even.y * d4;
        let w = odd.x * d1 + odd.y * d3;
        e[s] = select(vec4<f32>(0.0), end.x * d0 + middle * d2 + end.y * d4, there);
        a[s] = select(vec4<f32>(0.0), v + w, there);
        b[s] = select(vec4<f32>(0.0), sign * (v - w), there);
    }
    let at0 = at(p.dst, 0, cell * TILES + inner, c);
    let plane = p.dst.width * p.dst.quads;
    let rows = POINTS * plane;
    store(at0 + select(0, 5, lower) * rows, plane, e);
    store(at0 + select(1, 3, lower) * rows, plane, a);
    store(at0 + select(2, 4, lower) * rows, plane, b);
}
