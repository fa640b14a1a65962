// Workgroup memory of its own for the sums of pool_shared.wgsl.
var<workgroup> sh_sums: array<vec4<f32>, LANES>;

fn put_sum(place: i32, v: vec4<f32>) {
    sh_sums[place] = v;
}

fn sum_at(place: i32) -> vec4<f32> {
    return sh_sums[place];
}
