// The input is one tensor.

@group(0) @binding(5) var<storage, read> x: array<In>;

fn source_quads() -> i32 {
    return p.x.quads;
}

// The number of a pixel, counted along rows, and a quad of it, as it is stored and as it is computed with.
fn number(y: i32, col: i32) -> i32 {
    return y * p.x.width + col;
}

fn stored(number: i32, c: i32) -> In {
    return x[p.x.base + number * p.x.quads + c];
}

fn fetch_number(number: i32, c: i32) -> vec4<f32> {
    return widen_in(stored(number, c));
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    return widen_in(x[at(p.x, y, col, c)]);
}

// Where a pixel's quads are: the sum of a row's part, a column's and a quad's. What many pixels share is computed once.
alias Place = i32;

fn down(y: i32) -> Place {
    return at(p.x, y, 0, 0);
}

fn across(col: i32) -> Place {
    return col * p.x.quads;
}

fn fetch_at(place: Place, c: i32) -> vec4<f32> {
    return widen_in(x[place]);
}
