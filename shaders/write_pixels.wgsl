// An image to pixels of the device's own images, x2 being those that it was made of: their alpha stays, and so does
// what a row has past the image.
//
//   lane: a pixel of a row

// [height][row of pixels]
@group(0) @binding(3) var<storage, read_write> dst: array<Pixel>;
// as dst
@group(0) @binding(6) var<storage, read> x2: array<Pixel>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let col = i32(id.x);
    if col >= p.dst.width / WORDS {
        return;
    }
    let y = p.first_row + i32(id.y);
    let own = x2[pixel(p.x2, y, col)];
    if col >= p.x.width {
        dst[pixel(p.dst, y, col)] = own;
        return;
    }
    let seen = shown(colours(own));
    let made = shown(fetch(y, col, 0).xyz);
    // At full strength the sum would round what is made.
    let between = select(seen + p.scalar * (made - seen), made, p.scalar == 1.0);
    dst[pixel(p.dst, y, col)] = recoloured(own, between);
}
