// F(2x2, 3x3) at the points 0, 1, -1 and infinity (Lavin and Gray, CVPR 2016).

// Outputs a side, points a side, tiles a side and in all of a cell of 8x8 pixels; octets of tiles that a lane of the
// third stage has: those of whole cells.
const M: i32 = 2;
const POINTS: i32 = 4;
const SIDE: i32 = 4;
const TILES: i32 = 16;
const OCTETS: i32 = 2;

alias Points = array<vec4<f32>, POINTS>;

// B^T d
fn transform_input(d: Points) -> Points {
    return Points(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]);
}

// A, by points.
const OUTPUT: array<vec2<f32>, POINTS> =
    array<vec2<f32>, POINTS>(vec2<f32>(1.0, 0.0), vec2<f32>(1.0, 1.0), vec2<f32>(1.0, -1.0), vec2<f32>(0.0, -1.0));

// A^T m
fn transform_output(m: Points) -> array<vec4<f32>, M> {
    return array<vec4<f32>, M>(m[0] + m[1] + m[2], m[1] - m[2] - m[3]);
}
