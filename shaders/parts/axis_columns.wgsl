// Means from left to right. A workgroup has 8 rows, and of each 8 lanes: the quads of a run, then those of the next, of
// all patches.

fn line_of(wg: vec2<i32>, lane: i32) -> Line {
    let place = wg.x * 8 + lane % 8;
    let row = wg.y * 8 + lane / 8;
    let quads = p.dst.quads;
    let means = p.patch_width;
    let runs = (means + RUN - 1) / RUN;
    let patches = p.dst.width / means;
    let run = place / quads;
    let patch_col = run / runs;
    let begin = run % runs * RUN;
    let first = patch_col * means + begin;
    let window = p.x.width / patches - means + 1;
    let inside = patch_col < patches && row < p.rows;
    return Line(
        at(p.x, p.first_row + row, first + patch_col * (window - 1), place % quads),
        quads,
        at(p.dst, p.first_row + row, first, place % quads),
        quads,
        window,
        select(0, min(RUN, means - begin), inside),
        0,
    );
}
