// Means from top to bottom. Workgroup x goes along the quads of a row, workgroup y over the runs that the window's rows
// touch, in all patches. A value and the mean of the window that it begins are in the same column.

fn line_of(wg: vec2<i32>, lane: i32) -> Line {
    let place = wg.x * 64 + lane;
    let row = p.dst.width * p.dst.quads;
    let means = p.patch_height;
    let runs = (means + RUN - 1) / RUN;
    let run = p.first_row / means * runs + p.first_row % means / RUN + wg.y;
    let patch_row = run / runs;
    let begin = run % runs * RUN;
    let first = patch_row * means + begin;
    let window = p.x.height / (p.dst.height / means) - means + 1;
    let count = min(min(RUN, means - begin), p.first_row + p.rows - first);
    return Line(
        p.x.base + (first + patch_row * (window - 1)) * row + place,
        row,
        p.dst.base + first * row + place,
        row,
        window,
        select(0, count, place < row),
        p.first_row - first,
    );
}
