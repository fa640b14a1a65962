// A convolution's input is the concatenation of two tensors, each read where it lies. The branch is uniform: a
// workgroup's lanes are at the same channel.

@group(0) @binding(5) var<storage, read> x: array<In>;
@group(0) @binding(6) var<storage, read> x2: array<In>;

fn source_quads() -> i32 {
    return p.x.quads + p.x2.quads;
}

// The number of a pixel, counted along rows, and a quad of it, as it is stored and as it is computed with.
fn number(y: i32, col: i32) -> i32 {
    return y * p.x.width + col;
}

fn stored(number: i32, c: i32) -> In {
    if c < p.x.quads {
        return x[p.x.base + number * p.x.quads + c];
    }
    return x2[p.x2.base + number * p.x2.quads + c - p.x.quads];
}

fn fetch_number(number: i32, c: i32) -> vec4<f32> {
    return widen_in(stored(number, c));
}

fn fetch(y: i32, col: i32, c: i32) -> vec4<f32> {
    if c < p.x.quads {
        return widen_in(x[at(p.x, y, col, c)]);
    }
    return widen_in(x2[at(p.x2, y, col, c - p.x.quads)]);
}

// Where a pixel's quads are: the sum of a row's part, a column's and a quad's. What many pixels share is computed once.
alias Place = vec2<i32>;

fn down(y: i32) -> Place {
    return Place(at(p.x, y, 0, 0), at(p.x2, y, 0, -p.x.quads));
}

fn across(col: i32) -> Place {
    return col * Place(p.x.quads, p.x2.quads);
}

fn fetch_at(place: Place, c: i32) -> vec4<f32> {
    if c < p.x.quads {
        return widen_in(x[place.x]);
    }
    return widen_in(x2[place.y]);
}
