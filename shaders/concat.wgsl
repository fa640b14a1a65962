// Concatenation by channel of x (p.channels of them) and x2. Channels of a quad may come from both where the
// count of x is no multiple of 4; those past the last stay zero, as every operator keeps them.

// [height][width][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(6) var<storage, read> x2: array<In>;

fn channel(y: i32, col: i32, c: i32) -> f32 {
    if c < p.channels {
        return widen_in(x[at(p.x, y, col, c / 4)])[c % 4];
    }
    let rest = c - p.channels;
    if rest < p.x2.quads * 4 {
        return widen_in(x2[at(p.x2, y, col, rest / 4)])[rest % 4];
    }
    return 0.0;
}
