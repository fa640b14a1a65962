// Cooperative matrices of 8x8, as Apple's GPUs have them: f16 times f16, sums in f32.
const SIDE: i32 = 8;

alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Product = coop_mat8x8<f32, C>;
