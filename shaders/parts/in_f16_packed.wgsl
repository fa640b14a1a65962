// Two f16 in each word, for adapters without 16-bit types.
alias In = vec2<u32>;

fn widen_in(v: In) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y));
}
