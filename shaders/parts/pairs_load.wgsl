// Eight neighbouring pairs for every lane, loaded by each: any adapter can, and a GPU's lanes share the load.

fn spread(plane: i32, first: i32, lane: i32, c: i32) -> array<array<vec4<f32>, 8>, 2> {
    var eight: array<array<vec4<f32>, 8>, 2>;
    for (var k = 0; k < 8; k++) {
        let v = activation(plane, first + k, c);
        eight[0][k] = low(v);
        eight[1][k] = high(v);
    }
    return eight;
}
