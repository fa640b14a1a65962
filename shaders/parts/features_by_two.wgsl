// Two quads of a pixel's features, loaded and stored at once, of an even number.

// [height][width][quads / 2]
@group(0) @binding(5) var<storage, read> x: array<In>;

fn features(pixel: i32, c: i32) -> mat2x4<f32> {
    return widen_in(x[(p.x.base + pixel * p.x.quads + c) >> 1u]);
}

fn put_features(pixel: i32, c: i32, v: mat2x4<f32>) {
    dst[(p.dst.base + pixel * p.dst.quads + c) >> 1u] = narrow_out(v);
}
