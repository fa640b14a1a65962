// Two f16 in each word, for adapters without 16-bit types.
@group(0) @binding(1) var<storage, read> weights: array<vec2<u32>>;

fn weight(i: i32) -> vec4<f32> {
    let v = weights[i];
    return vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y));
}
