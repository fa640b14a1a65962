// Eight values in four words of 64 bits: in memory the same as parts/pair.wgsl, in one load.
alias Pair = vec4<u64>;

fn low(v: Pair) -> vec4<f32> {
    return floats(v.xy);
}

fn high(v: Pair) -> vec4<f32> {
    return floats(v.zw);
}

fn pair(low: vec4<f32>, high: vec4<f32>) -> Pair {
    return Pair(words(low), words(high));
}
