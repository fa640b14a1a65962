// The rate of memory alone, as STREAM's triad (McCalpin, 1995) has it: dst = x + x2 / 2 over buffers that no cache
// holds. A lane moves four quads, a workgroup's apart, so that neighbouring lanes touch neighbouring quads and several
// loads are under way at once.

@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> x2: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = wg.x * 1024u + lane;
    let half = vec4<f32>(0.5);
    let v0 = fma(x2[i], half, x[i]);
    let v1 = fma(x2[i + 256u], half, x[i + 256u]);
    let v2 = fma(x2[i + 512u], half, x[i + 512u]);
    let v3 = fma(x2[i + 768u], half, x[i + 768u]);
    dst[i] = v0;
    dst[i + 256u] = v1;
    dst[i + 512u] = v2;
    dst[i + 768u] = v3;
}
