// What an element-wise kernel computes with at once: two quads side by side, which as f16 are loaded and stored by
// 16 bytes. A tensor is read so where its rows have an even number of quads: then every row begins with a whole two.
alias Values = mat2x4<f32>;

const QUADS: i32 = 2;

fn values(first: vec4<f32>, second: vec4<f32>) -> Values {
    return mat2x4<f32>(first, second);
}

fn first_of(v: Values) -> vec4<f32> {
    return v[0];
}

fn second_of(v: Values) -> vec4<f32> {
    return v[1];
}

// Products value by value.
fn scaled(v: Values, by: Values) -> Values {
    return mat2x4<f32>(v[0] * by[0], v[1] * by[1]);
}

// Where the two that begin with the quad of that number, an even one, are.
fn place(quad: i32) -> i32 {
    return quad >> 1u;
}
