// A workgroup's cell of 8x8 pixels, counted from its patch's top left, so that what is summed together never
// depends on the window: `column` is the cell's column over all patches in the strip, `row` its row in the window.

const CELL: i32 = 8;

struct Tile {
    // First pixel, and the patch's bounds (bottom and right exclusive).
    y: i32,
    x: i32,
    top: i32,
    bottom: i32,
    left: i32,
    right: i32,
    // Row and column of the cell.
    cell_y: i32,
    cell_x: i32,
}

fn tile(column: u32, row: u32) -> Tile {
    let cell_x = p.first_column + i32(column);
    let cell_y = p.first_cell_row + i32(row);
    let top = cell_y / p.cell_rows * p.patch_height;
    let left = cell_x / p.cell_cols * p.patch_width;
    return Tile(
        top + cell_y % p.cell_rows * CELL,
        left + cell_x % p.cell_cols * CELL,
        top,
        top + p.patch_height,
        left,
        left + p.patch_width,
        cell_y,
        cell_x,
    );
}

// The first of a run of `cells` cells side by side in a patch, by the run's number over all patches in the strip. Where
// a patch's cells are no multiple of that, its last run goes past its right.
fn run_tile(run: u32, row: u32, cells: i32) -> Tile {
    let runs = (p.cell_cols + cells - 1) / cells;
    return tile(u32(i32(run) / runs * p.cell_cols + i32(run) % runs * cells), row);
}
