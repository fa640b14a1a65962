// A 32-bit float for each of red, green, blue and alpha.
alias Pixel = vec4<u32>;

const WORDS: i32 = 4;

fn colours(pixel: Pixel) -> vec3<f32> {
    return bitcast<vec3<f32>>(pixel.xyz);
}

fn recoloured(pixel: Pixel, rgb: vec3<f32>) -> Pixel {
    return vec4<u32>(bitcast<vec3<u32>>(rgb), pixel.w);
}
