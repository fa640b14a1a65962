// Winograd, second stage: at every point, all tiles' inputs times the transformed filters, a matrix product for each.
//
//   group of 8 lanes: TILES tiles x (8 x OUTPUTS) output channels       lane: outputs lane, lane + 8, ... of the group
//
//   sums[output][tile / 4], a vec4 over four tiles, in registers
//
// For each quad of inputs a group loads TILES activations, spread over its lanes, and each lane OUTPUTS quads of
// weights: 4 x TILES x OUTPUTS multiply-adds a lane for TILES / 8 + OUTPUTS loads. Software adapters turn a load
// into a loop over lanes, so that ratio decides there. Results are stored as quads of tiles, one store for four sums.

// [point][input quad][output, padded] of the quad's inputs
@group(0) @binding(1) var<storage, read> weights: array<vec4<f32>>;
// [point][tile / 4][output, padded] of four tiles
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
// [point][tile][input quad]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

fn activation(point: i32, tile: i32, c: i32) -> vec4<f32> {
    return x[at(p.x, point, tile, c)];
}

fn mac(sum: f32, v: vec4<f32>, w: vec4<f32>) -> f32 {
    return fma(v.w, w.w, fma(v.z, w.z, fma(v.y, w.y, fma(v.x, w.x, sum))));
}

@compute @workgroup_size(8, 2)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) id: vec3<u32>) {
    let lane = i32(id.x);
    let first = i32(wg.x * 2u + id.y) * TILES;
    let output = i32(wg.y) * 8 * OUTPUTS + lane;
    let point = i32(wg.z);
    if first >= p.x.width {
        return;
    }
    var sums: array<array<array<vec4<f32>, 2>, OUTPUTS>, TILES / 8>;
    var w = point * p.x.quads * p.dst.quads + output;
    for (var c = 0; c < p.x.quads; c++) {
        var filters: array<vec4<f32>, OUTPUTS>;
        for (var i = 0; i < OUTPUTS; i++) {
            filters[i] = weights[w + 8 * i];
        }
        w += p.dst.quads;
        for (var g = 0; g < TILES / 8; g++) {
            let v = spread(point, first + 8 * g, lane, c);
            for (var i = 0; i < OUTPUTS; i++) {
                let f = filters[i];
                let a = sums[g][i][0];
                let b = sums[g][i][1];
                sums[g][i][0] = vec4<f32>(mac(a.x, v[0], f), mac(a.y, v[1], f), mac(a.z, v[2], f), mac(a.w, v[3], f));
                sums[g][i][1] = vec4<f32>(mac(b.x, v[4], f), mac(b.y, v[5], f), mac(b.z, v[6], f), mac(b.w, v[7], f));
            }
        }
    }
    for (var g = 0; g < TILES / 8; g++) {
        for (var i = 0; i < OUTPUTS; i++) {
            let o = at(p.dst, point, first / 4 + 2 * g, output + 8 * i);
            dst[o] = sums[g][i][0];
            dst[o + p.dst.quads] = sums[g][i][1];
        }
    }
}
