// Two f16 in each word, for adapters without 16-bit types.
alias Res = vec2<u32>;

fn widen_res(v: Res) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y));
}
