// Eight neighbouring activations for every lane, loaded by each: any adapter can, and a GPU's lanes share the load.

fn spread(plane: i32, first: i32, lane: i32, c: i32) -> array<vec4<f32>, 8> {
    return array<vec4<f32>, 8>(
        activation(plane, first, c),
        activation(plane, first + 1, c),
        activation(plane, first + 2, c),
        activation(plane, first + 3, c),
        activation(plane, first + 4, c),
        activation(plane, first + 5, c),
        activation(plane, first + 6, c),
        activation(plane, first + 7, c),
    );
}
