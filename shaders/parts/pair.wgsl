// Eight values as two vec4.
struct Pair {
    low: vec4<f32>,
    high: vec4<f32>,
}

fn low(v: Pair) -> vec4<f32> {
    return v.low;
}

fn high(v: Pair) -> vec4<f32> {
    return v.high;
}

fn pair(low: vec4<f32>, high: vec4<f32>) -> Pair {
    return Pair(low, high);
}
