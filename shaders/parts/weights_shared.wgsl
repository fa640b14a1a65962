// Weights of the Winograd product through workgroup memory, with the inputs: lanes of a subgroup are of several groups.

// A lane's tiles lie side by side, so that their addresses differ by constants that fit an instruction; one more keeps
// lanes in different banks.
const LANE_STEP: i32 = ACROSS + 1;
const TILE_STEP: i32 = 1;
const PITCH: i32 = WIDTH * LANE_STEP;

// vec4 of weights for two quads of inputs, and what a lane moves of them at a time.
const FILTERS: i32 = 8 * QUADS * GROUPS;
const FILTER_LOADS: i32 = (FILTERS + LANES - 1) / LANES;

// [buffer][group][input quad][input][output quad], and a slot for what nobody wants
var<workgroup> sh_weights: array<vec4<f32>, 2 * FILTERS + 1>;

// Where the vec4 that a lane moves lie: the filters of their group, which of them, and their place.
struct Weights {
    source: array<i32, FILTER_LOADS>,
    element: array<i32, FILTER_LOADS>,
    place: array<i32, FILTER_LOADS>,
    row: i32,
}

fn begin_weights(lane: i32, row: i32, point: i32, group: i32, groups: i32) -> Weights {
    var w: Weights;
    w.row = row;
    for (var i = 0; i < FILTER_LOADS; i++) {
        let e = lane + i * LANES;
        let own = min(group + e / (8 * QUADS), groups - 1);
        w.source[i] = (point + own) * p.x.quads / 2;
        w.element[i] = e % (8 * QUADS);
        w.place[i] = select(e, 2 * FILTERS, e >= FILTERS);
    }
    take_weights(w, false, expect_weights(w, 0));
    return w;
}

fn expect_weights(w: Weights, next: i32) -> array<vec4<f32>, FILTER_LOADS> {
    var values: array<vec4<f32>, FILTER_LOADS>;
    for (var i = 0; i < FILTER_LOADS; i++) {
        values[i] = weights[w.source[i] + (next >> 1u)][w.element[i]];
    }
    return values;
}

fn take_weights(w: Weights, second: bool, values: array<vec4<f32>, FILTER_LOADS>) {
    for (var i = 0; i < FILTER_LOADS; i++) {
        sh_weights[min(w.place[i] + select(0, FILTERS, second), 2 * FILTERS)] = values[i];
    }
}

fn own_weights(w: Weights, c: i32, second: bool) -> i32 {
    return w.row + select(0, GROUPS, second);
}

fn filters(own: i32, i: i32) -> vec4<f32> {
    return sh_weights[own * 8 * QUADS + i];
}
