// A pixel of a convolution's input, zero past its patch's border.
fn padded(t: Tile, y: i32, col: i32, c: i32) -> vec4<f32> {
    let inside = y >= t.top && y < t.bottom && col >= t.left && col < t.right;
    return select(vec4<f32>(0.0), fetch(clamp(y, t.top, t.bottom - 1), clamp(col, t.left, t.right - 1), c), inside);
}
