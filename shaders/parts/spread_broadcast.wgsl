// Eight neighbouring activations for all lanes of a subgroup of eight: each lane loads one, and hands it round.

fn spread(plane: i32, first: i32, lane: i32, c: i32) -> array<vec4<f32>, 8> {
    let own = activation(plane, first + lane, c);
    return array<vec4<f32>, 8>(
        subgroupBroadcast(own, 0u),
        subgroupBroadcast(own, 1u),
        subgroupBroadcast(own, 2u),
        subgroupBroadcast(own, 3u),
        subgroupBroadcast(own, 4u),
        subgroupBroadcast(own, 5u),
        subgroupBroadcast(own, 6u),
        subgroupBroadcast(own, 7u),
    );
}
