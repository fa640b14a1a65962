// One lane for each quad of channels of each pixel: workgroup x runs along a row's quads, workgroup y over rows.

struct Position {
    y: i32,
    x: i32,
    c: i32,
    inside: bool,
}

fn position(id: vec3<u32>) -> Position {
    let i = i32(id.x);
    return Position(
        p.first_row + i32(id.y),
        i / p.dst.quads,
        i % p.dst.quads,
        i < p.dst.width * p.dst.quads,
    );
}
