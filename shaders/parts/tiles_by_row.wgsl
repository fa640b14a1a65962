// The pixels of an octet of tiles, one channel, row of points by row: a loop of unknown length, which compilers leave
// one.
fn octet(run: i32, channel: i32) -> Octet {
    var out: Octet;
    for (var r = 0; r * POINTS < p.x.height; r++) {
        var d: array<Points, 2>;
        for (var s = 0; s < POINTS; s++) {
            let v = x[at(p.x, r * POINTS + s, run, channel)];
            d[0][s] = low(v);
            d[1][s] = high(v);
        }
        let a = OUTPUT[r];
        for (var h = 0; h < 2; h++) {
            let row = transform_output(d[h]);
            for (var i = 0; i < M; i++) {
                for (var s = 0; s < M; s++) {
                    out[h][i][s] += a[i] * row[s];
                }
            }
        }
    }
    return out;
}
