// What a register block of whatever size is of, and how it is stored.

// What a lane computes: pixels of row `y` from column `x` on, in cell `t`, and the quads of outputs `c` and `c + 1`.
struct Run {
    t: Tile,
    y: i32,
    x: i32,
    c: i32,
}

// Sums over the block's stored pixels, for pooling.
struct Sums {
    a: vec4<f32>,
    b: vec4<f32>,
}

// Stores one pixel of the block, if it lies in the patch and its channels exist, and adds it to the sums.
fn put(sums: Sums, r: Run, col: i32, a: vec4<f32>, b: vec4<f32>) -> Sums {
    var s = sums;
    if col < r.t.right {
        let i = at(p.dst, r.y, col, r.c);
        let va = epilogue(a, r.y, col, r.c);
        dst[i] = narrow_out(va);
        s.a += va;
        if r.c + 1 < p.dst.quads {
            let vb = epilogue(b, r.y, col, r.c + 1);
            dst[i + 1] = narrow_out(vb);
            s.b += vb;
        }
    }
    return s;
}
