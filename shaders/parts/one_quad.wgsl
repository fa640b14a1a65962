// What an element-wise kernel computes with at once: a quad.
alias Values = vec4<f32>;

const QUADS: i32 = 1;

fn values(first: vec4<f32>, second: vec4<f32>) -> Values {
    return first;
}

fn first_of(v: Values) -> vec4<f32> {
    return v;
}

// There is none; it is not looked at.
fn second_of(v: Values) -> vec4<f32> {
    return v;
}

// Products value by value.
fn scaled(v: Values, by: Values) -> Values {
    return v * by;
}

// Where the quad of that number begins.
fn place(quad: i32) -> i32 {
    return quad;
}
