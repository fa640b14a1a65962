// Eight tiles' inputs for all lanes of a subgroup of eight: each lane loads those of one tile, and hands them round.

// [point][tile][input octet]
@group(0) @binding(5) var<storage, read> x: array<Pair>;

fn add_octet(sums: ptr<function, Sums>, first: i32, lane: i32, below: Filters, above: Filters) {
    let own = x[first + lane * p.x.quads];
    let l = low(own);
    let h = high(own);
    add(sums, 0, subgroupBroadcast(l, 0u), subgroupBroadcast(h, 0u), below, above);
    add(sums, 1, subgroupBroadcast(l, 1u), subgroupBroadcast(h, 1u), below, above);
    add(sums, 2, subgroupBroadcast(l, 2u), subgroupBroadcast(h, 2u), below, above);
    add(sums, 3, subgroupBroadcast(l, 3u), subgroupBroadcast(h, 3u), below, above);
    add(sums, 4, subgroupBroadcast(l, 4u), subgroupBroadcast(h, 4u), below, above);
    add(sums, 5, subgroupBroadcast(l, 5u), subgroupBroadcast(h, 5u), below, above);
    add(sums, 6, subgroupBroadcast(l, 6u), subgroupBroadcast(h, 6u), below, above);
    add(sums, 7, subgroupBroadcast(l, 7u), subgroupBroadcast(h, 7u), below, above);
}
