// For operators that take each channel from a place of its own: `channel` gives it, zero past the last.

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    let first = c * 4;
    return vec4<f32>(
        channel(y, col, first),
        channel(y, col, first + 1),
        channel(y, col, first + 2),
        channel(y, col, first + 3),
    );
}
