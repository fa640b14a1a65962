// Eight neighbouring activations for all lanes of a subgroup of eight: each lane loads one, and hands it round.

fn spread(plane: i32, first: i32, lane: i32, c: i32) -> array<vec4<f32>, 8> {
    return broadcast(activation(plane, first + lane, c));
}
