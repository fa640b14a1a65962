// Two quads in 16 bytes, two f16 in each word.
alias Res = vec4<u32>;

fn widen_res(v: Res) -> mat2x4<f32> {
    return mat2x4<f32>(
        vec4<f32>(unpack2x16float(v.x), unpack2x16float(v.y)),
        vec4<f32>(unpack2x16float(v.z), unpack2x16float(v.w)),
    );
}
