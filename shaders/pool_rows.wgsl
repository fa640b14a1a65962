// Sums of a row of a patch's cells, left to right: the second level of the pooling tree.
// A lane owns a quad; workgroup y is the row of cells, workgroup z the patch's column.
//
// There are few lanes to wait for each other's loads, so that each asks for AHEAD cells before it adds the first. Past
// the row's end it asks for the last again, and adds zeros.

// [cell rows][patch columns][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
// [cell rows][cell columns][quads]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let c = i32(id.x);
    if c >= p.dst.quads {
        return;
    }
    let y = p.first_row + i32(id.y);
    let patch_col = i32(id.z);
    let cells = p.x.width / p.dst.width;
    var some: array<vec4<f32>, AHEAD>;
    var total = vec4<f32>(0.0);
    for (var i = 0; i < cells; i += AHEAD) {
        for (var j = 0; j < AHEAD; j++) {
            some[j] = x[at(p.x, y, patch_col * cells + min(i + j, cells - 1), c)];
        }
        for (var j = 0; j < AHEAD; j++) {
            total += select(vec4<f32>(0.0), some[j], i + j < cells);
        }
    }
    dst[at(p.dst, y, patch_col, c)] = total;
}
