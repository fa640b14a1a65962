// Cooperative matrices of 8 x 8: factors in f16, sums in f32.
alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sum = coop_mat8x8<f32, C>;
const TILE: i32 = 8;
