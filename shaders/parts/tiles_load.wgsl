// Eight tiles' inputs for all lanes, loaded by each from the same place, which is one load of a scalar.

// [point][tile][input octet]
@group(0) @binding(5) var<storage, read> x: array<Pair>;

fn add_tile(sums: ptr<function, Sums>, tile: i32, first: i32, below: Filters, above: Filters) {
    let v = x[first + tile * p.x.quads];
    add(sums, tile, low(v), high(v), below, above);
}

fn add_octet(sums: ptr<function, Sums>, first: i32, lane: i32, below: Filters, above: Filters) {
    add_tile(sums, 0, first, below, above);
    add_tile(sums, 1, first, below, above);
    add_tile(sums, 2, first, below, above);
    add_tile(sums, 3, first, below, above);
    add_tile(sums, 4, first, below, above);
    add_tile(sums, 5, first, below, above);
    add_tile(sums, 6, first, below, above);
    add_tile(sums, 7, first, below, above);
}
