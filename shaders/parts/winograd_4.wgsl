// F(4x4, 3x3) at the points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, CVPR 2016).

// Outputs a side, points a side, tiles a side and in all of a cell of 8x8 pixels; octets of tiles that a lane of the
// third stage has: those of whole cells.
const M: i32 = 4;
const POINTS: i32 = 6;
const SIDE: i32 = 2;
const TILES: i32 = 4;
const OCTETS: i32 = 1;

alias Points = array<vec4<f32>, POINTS>;

// B^T d
fn transform_input(d: Points) -> Points {
    let odd = d[3] - 4.0 * d[1];
    let even = d[4] - 4.0 * d[2];
    let odd2 = 2.0 * (d[3] - d[1]);
    let even2 = d[4] - d[2];
    return Points(
        4.0 * d[0] - 5.0 * d[2] + d[4],
        even + odd,
        even - odd,
        even2 + odd2,
        even2 - odd2,
        4.0 * d[1] - 5.0 * d[3] + d[5],
    );
}

// A, by points.
const OUTPUT: Points = Points(
    vec4<f32>(1.0, 0.0, 0.0, 0.0),
    vec4<f32>(1.0, 1.0, 1.0, 1.0),
    vec4<f32>(1.0, -1.0, 1.0, -1.0),
    vec4<f32>(1.0, 2.0, 4.0, 8.0),
    vec4<f32>(1.0, -2.0, 4.0, -8.0),
    vec4<f32>(0.0, 0.0, 0.0, 1.0),
);

// A^T m
fn transform_output(m: Points) -> array<vec4<f32>, M> {
    let sum1 = m[1] + m[2];
    let sum2 = m[3] + m[4];
    let difference1 = m[1] - m[2];
    let difference2 = m[3] - m[4];
    return array<vec4<f32>, M>(
        m[0] + sum1 + sum2,
        difference1 + 2.0 * difference2,
        sum1 + 4.0 * sum2,
        difference1 + 8.0 * difference2 + m[5],
    );
}
