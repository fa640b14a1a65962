// Eight neighbouring pairs for all lanes of a subgroup of eight: each lane loads one, and hands it round.

fn spread(plane: i32, first: i32, lane: i32, c: i32) -> array<array<vec4<f32>, 8>, 2> {
    let own = activation(plane, first + lane, c);
    return array<array<vec4<f32>, 8>, 2>(broadcast(low(own)), broadcast(high(own)));
}
