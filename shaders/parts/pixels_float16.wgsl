// A 16-bit float for each of red, green, blue and alpha.
alias Pixel = vec2<u32>;

const WORDS: i32 = 2;

fn colours(pixel: Pixel) -> vec3<f32> {
    return vec3<f32>(unpack2x16float(pixel.x), unpack2x16float(pixel.y).x);
}

fn recoloured(pixel: Pixel, rgb: vec3<f32>) -> Pixel {
    let words = halves(vec4<f32>(rgb, 0.0));
    return vec2<u32>(words.x, (words.y & 0xffffu) | (pixel.y & 0xffff0000u));
}
