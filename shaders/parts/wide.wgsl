// Four f32 in two words of 64 bits, the first of a word below. A software adapter that turns a load from a buffer into
// a loop over lanes pays for each word, whatever its size.
fn floats(v: vec2<u64>) -> vec4<f32> {
    let below = vec2<u32>(v);
    let above = vec2<u32>(v >> vec2<u32>(32u));
    return bitcast<vec4<f32>>(vec4<u32>(below.x, above.x, below.y, above.y));
}

fn words(v: vec4<f32>) -> vec2<u64> {
    let bits = bitcast<vec4<u32>>(v);
    return vec2<u64>(bits.xz) | (vec2<u64>(bits.yw) << vec2<u32>(32u));
}
