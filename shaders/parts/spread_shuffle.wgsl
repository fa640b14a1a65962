// Eight neighbouring activations for each eight neighbouring lanes of a subgroup of any size: each lane loads one, and
// hands it round among the eight.

fn spread(plane: i32, first: i32, lane: i32, c: i32) -> array<vec4<f32>, 8> {
    let own = activation(plane, first + lane % 8, c);
    let octet = u32(lane / 8 * 8);
    return array<vec4<f32>, 8>(
        subgroupShuffle(own, octet),
        subgroupShuffle(own, octet + 1u),
        subgroupShuffle(own, octet + 2u),
        subgroupShuffle(own, octet + 3u),
        subgroupShuffle(own, octet + 4u),
        subgroupShuffle(own, octet + 5u),
        subgroupShuffle(own, octet + 6u),
        subgroupShuffle(own, octet + 7u),
    );
}
