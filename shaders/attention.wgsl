// The two small layers of channel attention (section 3, CAB): gates = sigmoid(W2 relu(W1 mean + b1) + b2).
// One workgroup a patch; the mean is the last level of the pooling tree, rows of cells from top to bottom.
//
// So few lanes cannot wait for each other's loads: each asks for AHEAD values before it takes the first. Past the end
// it asks for the last again, and adds zeros.
//
// weights: W1 as [hidden][quads] of vec4 over inputs, then W2 as [quads][hidden] of vec4 over outputs.
// bias: b2 as [quads], then b1, four hidden channels a vec4.

@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [patch rows][patch columns][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<vec4<f32>>;
// [cell rows][patch columns][quads]
@group(0) @binding(5) var<storage, read> x: array<vec4<f32>>;

const LANES: i32 = 64;
// Networks are at most 1024 channels wide.
var<workgroup> sh_mean: array<vec4<f32>, 256>;
var<workgroup> sh_hidden: array<f32, 1024>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let patch_col = i32(wg.x);
    let patch_row = i32(wg.y);
    let first = i32(lane.x);
    let quads = p.dst.quads;
    let rows = p.x.height / p.dst.height;
    var some: array<vec4<f32>, AHEAD>;
    for (var c = first; c < quads; c += LANES) {
        var total = vec4<f32>(0.0);
        for (var i = 0; i < rows; i += AHEAD) {
            for (var j = 0; j < AHEAD; j++) {
                some[j] = x[at(p.x, patch_row * rows + min(i + j, rows - 1), patch_col, c)];
            }
            for (var j = 0; j < AHEAD; j++) {
                total += select(vec4<f32>(0.0), some[j], i + j < rows);
            }
        }
        sh_mean[c] = total / p.scalar;
    }
    workgroupBarrier();
    for (var h = first; h < p.hidden; h += LANES) {
        var sum = bias[quads + h / 4][h % 4];
        for (var c = 0; c < quads; c += AHEAD) {
            for (var j = 0; j < AHEAD; j++) {
                some[j] = weight(h * quads + min(c + j, quads - 1));
            }
            for (var j = 0; j < AHEAD; j++) {
                sum += select(0.0, dot(some[j], sh_mean[min(c + j, quads - 1)]), c + j < quads);
            }
        }
        sh_hidden[h] = max(sum, 0.0);
    }
    workgroupBarrier();
    let excite = p.hidden * quads;
    for (var c = first; c < quads; c += LANES) {
        var sum = bias[c];
        for (var h = 0; h < p.hidden; h += AHEAD) {
            for (var j = 0; j < AHEAD; j++) {
                some[j] = weight(excite + c * p.hidden + min(h + j, p.hidden - 1));
            }
            for (var j = 0; j < AHEAD; j++) {
                sum += some[j] * select(0.0, sh_hidden[min(h + j, p.hidden - 1)], h + j < p.hidden);
            }
        }
        dst[at(p.dst, patch_row, patch_col, c)] = sigmoid(sum);
    }
}
