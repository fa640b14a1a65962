// The rate of products of cooperative matrices alone: a subgroup keeps the sums of 2 x 4 tiles in registers, eight
// independent products a round, and touches memory at its begin and end only.

@group(0) @binding(3) var<storage, read_write> dst: array<f32>;
// Two tiles of left factors, then four of right ones.
@group(0) @binding(5) var<storage, read> x: array<f16>;

const AREA: u32 = u32(TILE) * u32(TILE);

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wg: vec3<u32>) {
    let side = u32(TILE);
    let a0 = coopLoadT<Left>(&x[0], side);
    let a1 = coopLoadT<Left>(&x[AREA], side);
    let b0 = coopLoadT<Right>(&x[2u * AREA], side);
    let b1 = coopLoadT<Right>(&x[3u * AREA], side);
    let b2 = coopLoadT<Right>(&x[4u * AREA], side);
    let b3 = coopLoadT<Right>(&x[5u * AREA], side);
    var s00 = Sum();
    var s01 = Sum();
    var s02 = Sum();
    var s03 = Sum();
    var s10 = Sum();
    var s11 = Sum();
    var s12 = Sum();
    var s13 = Sum();
    for (var i = 0; i < ROUNDS; i++) {
        s00 = coopMultiplyAdd(a0, b0, s00);
        s01 = coopMultiplyAdd(a0, b1, s01);
        s02 = coopMultiplyAdd(a0, b2, s02);
        s03 = coopMultiplyAdd(a0, b3, s03);
        s10 = coopMultiplyAdd(a1, b0, s10);
        s11 = coopMultiplyAdd(a1, b1, s11);
        s12 = coopMultiplyAdd(a1, b2, s12);
        s13 = coopMultiplyAdd(a1, b3, s13);
    }
    // Places are named first: naga 30 does not evaluate an expression within coopStoreT.
    let at0 = wg.x * 8u * AREA;
    let at1 = at0 + AREA;
    let at2 = at1 + AREA;
    let at3 = at2 + AREA;
    let at4 = at3 + AREA;
    let at5 = at4 + AREA;
    let at6 = at5 + AREA;
    let at7 = at6 + AREA;
    coopStoreT(s00, &dst[at0], side);
    coopStoreT(s01, &dst[at1], side);
    coopStoreT(s02, &dst[at2], side);
    coopStoreT(s03, &dst[at3], side);
    coopStoreT(s10, &dst[at4], side);
    coopStoreT(s11, &dst[at5], side);
    coopStoreT(s12, &dst[at6], side);
    coopStoreT(s13, &dst[at7], side);
}
