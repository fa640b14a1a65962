// A workgroup's lanes by their place in it.
@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    convolve(wg, i32(index), i32(index % 8u));
}

// What a lane has in common with SPAN neighbours.
fn alike(v: i32) -> i32 {
    return v;
}
