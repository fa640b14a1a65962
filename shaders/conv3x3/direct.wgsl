// 3x3 convolution, stride 1, zero padding of one pixel at patch borders, as it is written in books: the variant to read
// first, and the one to hold others against.
//
//   workgroup (cell column, cell row, output quad)       lane: a pixel of the cell
//
// For each tap and each input quad a lane loads 4 inputs and 16 weights for 16 multiply-adds.
//
// Weights are [tap][input][output quad] of vec4 over four outputs.

// Pixels of a cell, and lanes of a workgroup, for pooling.
const PARTS: i32 = 64;
const LANES: i32 = 64;

@compute @workgroup_size(8, 8)
fn main(
    @builtin(workgroup_id) wg: vec3<u32>,
    @builtin(local_invocation_id) lane: vec3<u32>,
    @builtin(local_invocation_index) place: u32,
) {
    let t = tile(wg.x, wg.y);
    let y = t.y + i32(lane.y);
    let col = t.x + i32(lane.x);
    let c = i32(wg.z);
    var stored = vec4<f32>(0.0);
    if y < t.bottom && col < t.right {
        var sum = bias[c];
        var w = c;
        let quads = source_quads();
        for (var tap = 0; tap < 9; tap++) {
            for (var i = 0; i < quads; i++) {
                let v = padded(t, y + tap / 3 - 1, col + tap % 3 - 1, i);
                let w0 = weight(w);
                let w1 = weight(w + p.dst.quads);
                let w2 = weight(w + 2 * p.dst.quads);
                let w3 = weight(w + 3 * p.dst.quads);
                sum = mac(sum, v, w0, w1, w2, w3);
                w += 4 * p.dst.quads;
            }
        }
        stored = epilogue(sum, y, col, c);
        dst[at(p.dst, y, col, c)] = narrow_out(stored);
    }
    pool(t, c, i32(place), stored);
}
