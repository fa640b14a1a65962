// What probe/fma computes with.
alias Number = f16;
