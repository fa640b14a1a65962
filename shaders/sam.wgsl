// The supervised attention module (figure 5) in one pass over its features:
//   img = conv2(x) + image;  result = conv1(x) * sigmoid(conv3(img)) + x,  all 1x1.
// A lane owns two pixels, since img is needed by all of their outputs and stays in registers, and has two quads of
// outputs at a time: each load of inputs or weights then serves two.
//
//   workgroup: 2 cells side by side        lane (row of the cells, a pixel in each)
//
// CELLS is 1 where registers have no room for two pixels: then there is one, and half as many products for each load of
// weights.
//
// weights: conv1 [quads][quads], conv2 [image quads][quads], conv3 [quads][image quads], each entry four vec4 over
// four outputs, one an input. bias: conv1, conv2, conv3.

// [height][width][IMAGE_QUADS]
@group(0) @binding(7) var<storage, read> residual: array<vec4<f32>>;

// Of the lane's two pixels what a quad of inputs, `a` and `b`, adds to a quad of outputs.
fn product(w: i32, a: vec4<f32>, b: vec4<f32>, sums: mat2x4<f32>) -> mat2x4<f32> {
    let w0 = weight(w);
    let w1 = weight(w + 1);
    let w2 = weight(w + 2);
    let w3 = weight(w + 3);
    return mat2x4<f32>(mac(sums[0], a, w0, w1, w2, w3), mac(sums[1], b, w0, w1, w2, w3));
}

// Of two quads of inputs.
fn products(w: i32, a: mat2x4<f32>, b: mat2x4<f32>, sums: mat2x4<f32>) -> mat2x4<f32> {
    return product(w + 4, a[1], b[1], product(w, a[0], b[0], sums));
}

fn both(v: vec4<f32>) -> mat2x4<f32> {
    return mat2x4<f32>(v, v);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) wg: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
    let t = run_tile(wg.x, wg.y, CELLS);
    let y = t.y + i32(lane.y);
    let col = t.x + i32(lane.x);
    if y >= t.bottom || col >= t.right {
        return;
    }
    // Without a second pixel the first is computed twice; where there never is one, compilers see that it is the same.
    let two = CELLS == 2 && col + CELL < t.right;
    let pixel = y * p.x.width + col;
    let other = select(pixel, pixel + CELL, two);
    let quads = p.x.quads;
    let conv2 = quads * quads * 4;
    let conv3 = conv2 + IMAGE_QUADS * quads * 4;
    var img: array<mat2x4<f32>, IMAGE_QUADS>;
    // Loops over the image's quads hold no other loop, so that compilers unroll them and keep `img` in registers.
    for (var o = 0; o < IMAGE_QUADS; o++) {
        img[o] = both(bias[quads + o]);
    }
    for (var c = 0; c < quads; c += 2) {
        let a = features(pixel, c);
        let b = features(other, c);
        // A condition between the two, so that weights of one quad of inputs at a time take registers.
        for (var i = 0; i < min(2, quads - c); i++) {
            let u = select(a[0], a[1], i == 1);
            let v = select(b[0], b[1], i == 1);
            for (var o = 0; o < IMAGE_QUADS; o++) {
                img[o] = product(conv2 + (o * quads + c + i) * 4, u, v, img[o]);
            }
        }
    }
    for (var o = 0; o < IMAGE_QUADS; o++) {
        let i = p.residual.base + o;
        img[o] += mat2x4<f32>(residual[i + pixel * IMAGE_QUADS], residual[i + other * IMAGE_QUADS]);
        emit_image(y, col, o, img[o][0]);
        if two {
            emit_image(y, col + CELL, o, img[o][1]);
        }
    }
    for (var o = 0; o < quads; o += 2) {
        // Where there is no second quad of outputs, the first is computed twice.
        let next = min(o + 1, quads - 1);
        var first = both(bias[o]);
        var second = both(bias[next]);
        for (var c = 0; c < quads; c += 2) {
            let a = features(pixel, c);
            let b = features(other, c);
            first = products((o * quads + c) * 4, a, b, first);
            second = products((next * quads + c) * 4, a, b, second);
        }
        // Likewise weights of one quad of outputs.
        for (var i = 0; i < min(2, quads - o); i++) {
            var map = both(bias[quads + IMAGE_QUADS + o + i]);
            for (var c = 0; c < IMAGE_QUADS; c++) {
                map = product(conv3 + ((o + i) * IMAGE_QUADS + c) * 4, img[c][0], img[c][1], map);
            }
            let gate = mat2x4<f32>(sigmoid(map[0]), sigmoid(map[1]));
            if i == 0 {
                first = mat2x4<f32>(first[0] * gate[0], first[1] * gate[1]);
            } else {
                second = mat2x4<f32>(second[0] * gate[0], second[1] * gate[1]);
            }
        }
        put_features(pixel, o, mat2x4<f32>(first[0], second[0]) + features(pixel, o));
        if two {
            put_features(other, o, mat2x4<f32>(first[1], second[1]) + features(other, o));
        }
    }
}
