// Channel attention applied: gate * r + x, the gate of the patch that a pixel lies in. x is added by
// parts/epilogue_residual.wgsl.

// [patch rows][patch columns][quads]
@group(0) @binding(8) var<storage, read> gates: array<vec4<f32>>;

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return gates[at(p.gates, y / p.patch_height, col / p.patch_width, c)] * fetch(y, col, c);
}
