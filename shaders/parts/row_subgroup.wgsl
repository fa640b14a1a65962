// A row of a workgroup whose rows are whole subgroups, so that compilers know what a row's lanes share.
fn uniform_row(row: i32) -> i32 {
    return subgroupBroadcastFirst(row);
}
