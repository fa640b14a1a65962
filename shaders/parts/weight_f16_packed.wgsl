// Two f16 in each word, for adapters without 16-bit types.
alias Weight = vec2<u32>;

fn widen_weight(v: Weight) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y));
}
