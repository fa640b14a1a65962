// A row of a workgroup whose rows are whole subgroups, so that compilers know what a row's lanes share. That subgroups
// are runs of `local_invocation_index` is not promised, and all drivers of the adapters that get this make them so;
// were one to differ, the tests of the kernels and the tuner's comparison with the twin would find it.
fn uniform_row(row: i32) -> i32 {
    return subgroupBroadcastFirst(row);
}
