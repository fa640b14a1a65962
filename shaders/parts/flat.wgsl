// The element-wise kernels: one lane for each quad of channels of each pixel, workgroup x along a row's quads,
// workgroup y over the window's rows. The operator supplies `value`.

// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = i32(id.x);
    if i >= p.dst.width * p.dst.quads {
        return;
    }
    let y = p.first_row + i32(id.y);
    let col = i / p.dst.quads;
    let c = i % p.dst.quads;
    dst[at(p.dst, y, col, c)] = narrow_out(epilogue(value(y, col, c), y, col, c));
}
