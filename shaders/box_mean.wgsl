// Means of a window that slides along one axis of a patch: of n values n - window + 1.
//
//   lane: one quad of a line along the axis, and a run of RUN means of it, counted from the patch's edge
//         (parts/axis_rows.wgsl, parts/axis_columns.wgsl)
//
// The first window of a run is summed by cells of 8 values; then what comes in less what goes out is added from mean to
// mean: two loads for each, whatever the window. Runs begin anew, so that roundings do not add up along a photo; their
// bound is in src/kernels/box_mean.rs. What is summed in which order depends on a mean's place in its patch alone:
// where the rows of a dispatch begin within a run, its earlier means are computed and not stored.
//
// As in pool_rows.wgsl a lane asks for AHEAD values before it takes the first.

struct Line {
    // Where the first value and the first mean of the run are, and from one to the next.
    value: i32,
    next_value: i32,
    mean: i32,
    next_mean: i32,
    // Values of a window.
    window: i32,
    // Means from the run's first to the last that is stored, and the first that is.
    count: i32,
    stored: i32,
}

@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
@group(0) @binding(5) var<storage, read> x: array<In>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let line = line_of(vec2<i32>(wg.xy), i32(lane.x));
    if line.count <= 0 {
        return;
    }
    var some: array<vec4<f32>, AHEAD>;
    var cell = vec4<f32>(0.0);
    var total = vec4<f32>(0.0);
    for (var i = 0; i < line.window; i += AHEAD) {
        for (var j = 0; j < AHEAD; j++) {
            some[j] = widen_in(x[line.value + min(i + j, line.window - 1) * line.next_value]);
        }
        for (var j = 0; j < AHEAD; j++) {
            cell += select(vec4<f32>(0.0), some[j], i + j < line.window);
        }
        if (i + AHEAD) % 8 == 0 {
            total += cell;
            cell = vec4<f32>(0.0);
        }
    }
    total += cell;
    // The last value of all; what would come in after it is added to nothing that is stored.
    let end = line.count + line.window - 2;
    for (var i = 0; i < line.count; i += AHEAD) {
        for (var j = 0; j < AHEAD; j++) {
            let enters = min(i + j + line.window, end);
            let leaves = max(enters - line.window, 0);
            some[j] = widen_in(x[line.value + enters * line.next_value]) - widen_in(x[line.value + leaves * line.next_value]);
        }
        for (var j = 0; j < AHEAD; j++) {
            if i + j >= line.stored && i + j < line.count {
                let mean = epilogue(total / f32(line.window), 0, 0, 0);
                dst[line.mean + (i + j) * line.next_mean] = narrow_out(mean);
            }
            total += some[j];
        }
    }
}
