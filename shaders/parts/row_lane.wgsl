// A row of a workgroup, as each lane knows it.
fn uniform_row(row: i32) -> i32 {
    return row;
}
