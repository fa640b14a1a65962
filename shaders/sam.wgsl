// The supervised attention module (figure 5) in one pass over its features:
//   img = conv2(x) + image;  result = conv1(x) * sigmoid(conv3(img)) + x,  all 1x1.
// A lane owns a pixel: img is needed by all of its outputs and stays in registers.
//
// weights: conv1 [quads][quads], conv2 [image quads][quads], conv3 [quads][image quads], each entry four vec4 over
// four outputs, one an input. bias: conv1, conv2, conv3.

@group(0) @binding(2) var<storage, read> bias: array<vec4<f32>>;
// [height][width][quads]
@group(0) @binding(3) var<storage, read_write> dst: array<Out>;
@group(0) @binding(5) var<storage, read> x: array<In>;
// [height][width][IMAGE_QUADS]
@group(0) @binding(7) var<storage, read> residual: array<vec4<f32>>;

fn product(w: i32, v: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
    let w0 = weight(w);
    let w1 = weight(w + 1);
    let w2 = weight(w + 2);
    let w3 = weight(w + 3);
    return fma(vec4<f32>(v.w), w3, fma(vec4<f32>(v.z), w2, fma(vec4<f32>(v.y), w1, fma(vec4<f32>(v.x), w0, sum))));
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let t = tile(wg.x, wg.y);
    let y = t.y + i32(lane.y);
    let col = t.x + i32(lane.x);
    if y >= t.bottom || col >= t.right {
        return;
    }
    let quads = p.x.quads;
    let conv2 = quads * quads * 4;
    let conv3 = conv2 + IMAGE_QUADS * quads * 4;
    var img: array<vec4<f32>, IMAGE_QUADS>;
    // Loops over the image's quads hold no other loop, so that compilers unroll them and keep `img` in registers.
    for (var o = 0; o < IMAGE_QUADS; o++) {
        img[o] = bias[quads + o];
    }
    for (var c = 0; c < quads; c++) {
        let v = widen_in(x[at(p.x, y, col, c)]);
        for (var o = 0; o < IMAGE_QUADS; o++) {
            img[o] = product(conv2 + (o * quads + c) * 4, v, img[o]);
        }
    }
    for (var o = 0; o < IMAGE_QUADS; o++) {
        img[o] += residual[at(p.residual, y, col, o)];
        emit_image(y, col, o, img[o]);
    }
    for (var o = 0; o < quads; o++) {
        var features = bias[o];
        for (var c = 0; c < quads; c++) {
            features = product((o * quads + c) * 4, widen_in(x[at(p.x, y, col, c)]), features);
        }
        var map = bias[quads + IMAGE_QUADS + o];
        for (var c = 0; c < IMAGE_QUADS; c++) {
            map = product(conv3 + (o * IMAGE_QUADS + c) * 4, img[c], map);
        }
        let v = features * sigmoid(map) + widen_in(x[at(p.x, y, col, o)]);
        dst[at(p.dst, y, col, o)] = narrow_out(v);
    }
}
