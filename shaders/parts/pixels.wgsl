// Pixels of the device's own images. Their tensors are of words, WORDS of which make a pixel: rows begin at whole ones,
// and so do bindings.
fn pixel(v: View, y: i32, col: i32) -> i32 {
    return at(v, y, 0, 0) / WORDS + col;
}

const MAGNITUDE: vec3<u32> = vec3<u32>(0x7fffffffu);
const INFINITE: vec3<u32> = vec3<u32>(0x7f800000u);

// Within [0, 1]; not-a-number is 0. Bits are tested, since compilers may assume that floats are numbers.
fn shown(v: vec3<f32>) -> vec3<f32> {
    let numbers = (bitcast<vec3<u32>>(v) & MAGNITUDE) <= INFINITE;
    return select(vec3<f32>(0.0), clamp(v, vec3<f32>(0.0), vec3<f32>(1.0)), numbers);
}
