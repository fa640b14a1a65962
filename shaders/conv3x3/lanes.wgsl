// 3x3 convolution, stride 1, zero padding of one pixel at patch borders: lanes side by side own outputs side by side,
// and a run of pixels each.
//
//   octet of lanes: 8 quads of outputs for ROWS rows of a cell of 8x8 pixels; 32 x ROWS sums in each lane's registers
//   workgroup: 8 / ROWS octets for the rows of a cell, times OCTETS for more outputs
//
//   +--------+
//   |oooooooo| ROWS        all lanes of an octet read the same pixels: `spread` is how they get them,
//   |oooooooo|             by eight loads each or by one load each and seven from their neighbours
//   |........|
//   +--------+
//
// For each tap and input quad a lane loads 4 weights for 128 x ROWS multiply-adds, and its octet 8 x ROWS pixels.
// Software adapters turn a load of pixels into a loop over lanes: there few loads matter most, so a lane has the whole
// cell.
//
// Weights are [tap][input][output quad] of vec4 over four outputs: lanes side by side read side by side.

// Octets of lanes that share a cell's rows, and all lanes, for pooling.
const PARTS: i32 = 8 / ROWS;
const LANES: i32 = 8 * PARTS * OCTETS;

var<private> cell: Tile;

fn activation(y: i32, col: i32, c: i32) -> vec4<f32> {
    return padded(cell, y, col, c);
}

// Eight pixels' sums and eight pixels.
fn taps(s: array<vec4<f32>, 8>, v: array<vec4<f32>, 8>, w: array<vec4<f32>, 4>) -> array<vec4<f32>, 8> {
    return array<vec4<f32>, 8>(
        mac(s[0], v[0], w[0], w[1], w[2], w[3]),
        mac(s[1], v[1], w[0], w[1], w[2], w[3]),
        mac(s[2], v[2], w[0], w[1], w[2], w[3]),
        mac(s[3], v[3], w[0], w[1], w[2], w[3]),
        mac(s[4], v[4], w[0], w[1], w[2], w[3]),
        mac(s[5], v[5], w[0], w[1], w[2], w[3]),
        mac(s[6], v[6], w[0], w[1], w[2], w[3]),
        mac(s[7], v[7], w[0], w[1], w[2], w[3]),
    );
}

// What the lane at `index` of the workgroup and `lane` of its subgroup does.
fn convolve(wg: vec3<u32>, index: i32, lane: i32) {
    cell = tile(wg.x, wg.y);
    let part = index / 8 % PARTS;
    let first = (i32(wg.z) * OCTETS + index / (8 * PARTS)) * 8;
    let c = first + index % 8;
    let y = cell.y + part * ROWS;
    var total = vec4<f32>(0.0);
    if first < p.dst.quads {
        // A lane past the last quad works for its octet and stores nothing.
        let own = min(c, p.dst.quads - 1);
        let b = bias[own];
        var sums: array<array<vec4<f32>, 8>, ROWS>;
        for (var r = 0; r < ROWS; r++) {
            sums[r] = array<vec4<f32>, 8>(b, b, b, b, b, b, b, b);
        }
        let quads = source_quads();
        for (var i = 0; i < quads; i++) {
            for (var tap = 0; tap < 9; tap++) {
                let at_tap = (tap * quads + i) * 4 * p.dst.quads + own;
                let w = array<vec4<f32>, 4>(
                    weight(at_tap),
                    weight(at_tap + p.dst.quads),
                    weight(at_tap + 2 * p.dst.quads),
                    weight(at_tap + 3 * p.dst.quads),
                );
                for (var r = 0; r < ROWS; r++) {
                    let v = spread(y + r + tap / 3 - 1, cell.x + tap % 3 - 1, lane, i);
                    sums[r] = taps(sums[r], v, w);
                }
            }
        }
        for (var r = 0; r < ROWS; r++) {
            for (var k = 0; k < 8; k++) {
                if y + r < cell.bottom && cell.x + k < cell.right && c < p.dst.quads {
                    let stored = epilogue(sums[r][k], y + r, cell.x + k, c);
                    dst[at(p.dst, y + r, cell.x + k, c)] = narrow_out(stored);
                    total += stored;
                }
            }
        }
    }
    pool(cell, c, (index / (8 * PARTS) * 8 + index % 8) * PARTS + part, total);
}
