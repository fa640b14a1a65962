// The register block reads weights where they are stored.
fn weight_at(w: i32) -> vec4<f32> {
    return weight(w);
}
