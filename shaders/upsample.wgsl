// Bilinear x2, align_corners false: of the two source rows around a result the nearer weighs 3/4, the farther
// 1/4, clamped at patch borders; columns likewise. A residual (the skip connection) may be fused.
//
//   lane: the four results around the corner of four source pixels, all of which weigh for each
//
//     row k - 1      s       s
//                      d   d         columns j - 1 and j of the source; rows 2k - 1 and 2k, columns 2j - 1 and 2j
//                      d   d         of the results
//     row k          s       s
//
// So a lane loads as many sources as it has results, where each result by itself would load four.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
// [height / 2][width / 2][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;
// [height][width][quads], or of no quads where nothing is added
@group(0) @binding(7) var<storage, read> residual: array<Res>;

fn source(y: i32, col: i32, c: i32) -> Values {
    return widen_in(x[place(at(p.x, y, col, c))]);
}

fn added(y: i32, col: i32, c: i32) -> Values {
    return widen_res(residual[place(at(p.residual, y, col, c))]);
}

fn put(y: i32, col: i32, c: i32, v: Values) {
    dst[place(at(p.dst, y, col, c))] = narrow_out(v);
}

// What the farther of two sources weighs: nothing where a patch begins between them.
fn far_weight(i: i32, side: i32) -> f32 {
    return select(0.25, 0.0, i % side == 0);
}

fn blend(near: Values, far: Values, weight: f32) -> Values {
    return (1.0 - weight) * near + weight * far;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let lanes = p.dst.quads / QUADS;
    let j = i32(id.x) / lanes;
    let c = i32(id.x) % lanes * QUADS;
    if j > p.x.width {
        return;
    }
    let k = p.first_row / 2 + i32(id.y);
    let upper = max(k - 1, 0);
    let lower = min(k, p.x.height - 1);
    let left = max(j - 1, 0);
    let right = min(j, p.x.width - 1);
    let upper_left = source(upper, left, c);
    let upper_right = source(upper, right, c);
    let lower_left = source(lower, left, c);
    let lower_right = source(lower, right, c);
    let across = far_weight(2 * j, p.patch_width);
    let down = far_weight(2 * k, p.patch_height);
    let a = blend(upper_left, upper_right, across);
    let b = blend(upper_right, upper_left, across);
    let d = blend(lower_left, lower_right, across);
    let e = blend(lower_right, lower_left, across);
    var v0 = blend(a, d, down);
    var v1 = blend(b, e, down);
    var v2 = blend(d, a, down);
    var v3 = blend(e, b, down);
    // Of the results around the window's and the image's edges two or three are not there: what is added to the
    // others is loaded in their place, so that no load waits for a branch.
    let end = p.first_row + p.rows;
    let y0 = max(2 * k - 1, p.first_row);
    let y1 = min(2 * k, end - 1);
    let x0 = max(2 * j - 1, 0);
    let x1 = min(2 * j, p.dst.width - 1);
    if p.residual.quads > 0 {
        v0 += added(y0, x0, c);
        v1 += added(y0, x1, c);
        v2 += added(y1, x0, c);
        v3 += added(y1, x1, c);
    }
    if 2 * k > p.first_row {
        if j > 0 {
            put(y0, x0, c, v0);
        }
        if j < p.x.width {
            put(y0, x1, c, v1);
        }
    }
    if 2 * k < end {
        if j > 0 {
            put(y1, x0, c, v2);
        }
        if j < p.x.width {
            put(y1, x1, c, v3);
        }
    }
}
