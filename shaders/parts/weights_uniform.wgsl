// Weights of the Winograd product straight from storage: rows of a workgroup are whole subgroups, so that all lanes of
// a subgroup want the same, and compilers that are told load them once, some into scalar registers.

// Inputs lie side by side for lanes side by side; both quads of a tile, which are stored together, in different banks.
const LANE_STEP: i32 = 1;
const TILE_STEP: i32 = WIDTH;
const PITCH: i32 = WIDTH * ACROSS + 4;

// Where the weights of the row's group are.
fn begin_weights(lane: i32, row: i32, point: i32, group: i32, groups: i32) -> i32 {
    return (point + min(group + row, groups - 1)) * p.x.quads / 2;
}

fn expect_weights(w: i32, next: i32) -> i32 {
    return next;
}

fn take_weights(w: i32, second: bool, next: i32) {
}

fn own_weights(w: i32, c: i32, second: bool) -> i32 {
    return w + (c >> 1u);
}

fn filters(own: i32, i: i32) -> vec4<f32> {
    return weights[own][i];
}
