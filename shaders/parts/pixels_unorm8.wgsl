// A byte for each of red, green, blue and alpha, red lowest. Colours are rounded half to even, as in out_words.wgsl.
alias Pixel = u32;

const WORDS: i32 = 1;

fn colours(pixel: Pixel) -> vec3<f32> {
    return vec3<f32>(vec3<u32>(pixel, pixel >> 8u, pixel >> 16u) & vec3<u32>(255u)) / 255.0;
}

fn recoloured(pixel: Pixel, rgb: vec3<f32>) -> Pixel {
    let bytes = vec3<u32>(round(rgb * 255.0));
    return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (pixel & 0xff000000u);
}
