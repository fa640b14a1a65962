// Pixels of the device's own images to an image: parts/pixels_*.wgsl say how they are stored.

// [height][row of pixels, which may be longer than the image's]
@group(0) @binding(5) var<storage, read> x: array<Pixel>;

fn value(y: i32, col: i32, c: i32) -> vec4<f32> {
    return vec4<f32>(shown(colours(x[pixel(p.x, y, col)])), 0.0);
}
