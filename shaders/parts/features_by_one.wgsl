// Two quads of a pixel's features, loaded and stored one by one. Where their number is odd, the last has zeros at its
// side.

// [height][width][quads]
@group(0) @binding(5) var<storage, read> x: array<In>;

fn features(pixel: i32, c: i32) -> mat2x4<f32> {
    let i = p.x.base + pixel * p.x.quads + c;
    let second = c + 1 < p.x.quads;
    return mat2x4<f32>(widen_in(x[i]), select(vec4<f32>(0.0), widen_in(x[select(i, i + 1, second)]), second));
}

fn put_features(pixel: i32, c: i32, v: mat2x4<f32>) {
    let i = p.dst.base + pixel * p.dst.quads + c;
    dst[i] = narrow_out(v[0]);
    if c + 1 < p.dst.quads {
        dst[i + 1] = narrow_out(v[1]);
    }
}
