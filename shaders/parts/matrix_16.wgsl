// Cooperative matrices of 16x16, as NVIDIA's and AMD's GPUs have them: f16 times f16, sums in f32.
const SIDE: i32 = 16;

alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Product = coop_mat16x16<f32, C>;
