// A workgroup's lanes by their place in its subgroups, whatever size those have: neighbours in a subgroup are
// neighbours here, which `local_invocation_index` does not promise. The subgroups are full: drivers fill them where
// their size divides LANES, which it does.
@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_size) size: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    convolve(wg, i32(subgroup * size + lane), i32(lane));
}

// What a lane has in common with SPAN neighbours, and so with its subgroup: where compilers know that, they load what
// it decides once for the subgroup.
fn alike(v: i32) -> i32 {
    return subgroupBroadcastFirst(v);
}
