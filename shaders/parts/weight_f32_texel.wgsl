// Weights as the texels of an image, rows of COLUMNS. A software adapter that turns a load from a buffer into a loop
// over lanes has straight code for a load from an image: checks by vectors, one load of 16 bytes a lane, and a
// transposition.
@group(0) @binding(1) var weights: texture_storage_2d<rgba32float, read>;

const COLUMNS: u32 = 4096u;

fn weight(i: i32) -> vec4<f32> {
    let place = vec2<u32>(u32(i) % COLUMNS, u32(i) / COLUMNS);
    // naga 30 clamps unsigned coordinates against signed sizes, which is no valid SPIR-V.
    return textureLoad(weights, vec2<i32>(place));
}
