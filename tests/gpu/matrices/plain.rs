//! Cooperative matrices' built-in functions as plain loops of the same meaning.

/// Factors as places in memory, with what lies from one row to the next and from one column to the next; products as a
/// lane's share of their elements. A subgroup is a run of lanes of a workgroup.
const PLAIN: &str = "
struct Factor {
    place: i32,
    row: i32,
    column: i32,
}

alias Left = Factor;
alias Right = Factor;
alias Sum = array<f32, TILE * TILE / SUBGROUP>;

var<private> lane: i32;
// Whether anything was to be loaded that is not there; what the lane finishes then is wrong.
var<private> astray: bool;

fn locate(y: i32, col: i32) -> i32 {
    astray = astray || y < 0 || y >= p.x.height || col < 0 || col >= p.x.width;
    return locate_there(y, col);
}

fn fetch(pixel: i32, slice: i32, quad: i32) -> In {
    astray = astray || slice >= source_slices();
    return fetch_there(pixel, slice, quad);
}

fn multiply_add(a: Left, b: Right, sum: Sum) -> Sum {
    var next = sum;
    for (var e = 0; e < TILE * TILE / SUBGROUP; e++) {
        let i = (lane + e * SUBGROUP) / TILE;
        let j = (lane + e * SUBGROUP) % TILE;
        for (var k = 0; k < TILE; k++) {
            let x = f32(sh_x[a.place + i * a.row + k * a.column]);
            let w = f32(sh_x[b.place + k * b.row + j * b.column]);
            next[e] = fma(x, w, next[e]);
        }
    }
    return next;
}

fn store_by_rows(product: Sum, place: i32, stride: i32) {
    var elements = product;
    for (var e = 0; e < TILE * TILE / SUBGROUP; e++) {
        let i = (lane + e * SUBGROUP) / TILE;
        let j = (lane + e * SUBGROUP) % TILE;
        sh_products[place + i * stride + j] = elements[e];
    }
}

fn by_rows(place: i32, stride: i32) -> Factor {
    return Factor(place, stride, 1);
}

fn by_columns(place: i32, stride: i32) -> Factor {
    return Factor(place, 1, stride);
}
";

/// The shader without its built-ins, for subgroups of that size.
pub fn plain(text: &str, subgroup: u32) -> String {
    let mut text = text.to_owned();
    for (from, to) in [
        ("fn locate(", "fn locate_there("),
        ("fn fetch(", "fn fetch_there("),
        (
            "loaded[2 * k] = weights[w];",
            "astray = astray || w < 0 || u32(w + 1) >= arrayLength(&weights); loaded[2 * k] = weights[w];",
        ),
        ("let stored = epilogue(", "let stored = 1000.0 * f32(astray) + epilogue("),
        ("enable wgpu_cooperative_matrix;", ""),
        ("alias Left = coop_", "// "),
        ("alias Right = coop_", "// "),
        ("alias Sum = coop_", "// "),
        ("@builtin(subgroup_id) subgroup: u32,", ""),
        ("@builtin(subgroup_size) subgroup_lanes: u32,", ""),
        ("i32(subgroup_lanes)", "SUBGROUP"),
        ("i32(subgroup)", "(index / SUBGROUP)"),
        ("let index = i32(local);", "let index = i32(local); lane = index % SUBGROUP;"),
        ("coopLoadT<Left>(&sh_x[", "by_rows(("),
        ("coopLoad<Right>(&sh_x[", "by_columns(("),
        ("coopMultiplyAdd(", "multiply_add("),
        ("coopStoreT(", "store_by_rows("),
        ("&sh_products[", "("),
        ("], u32(", "), i32("),
    ] {
        assert!(text.contains(from), "{from} is not there");
        text = text.replace(from, to);
    }
    let text = [&text, PLAIN, &format!("const SUBGROUP: i32 = {subgroup};\n")].concat();
    let mut code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    assert!(code.all(|line| !line.contains("coop") && !line.contains("subgroup_")), "a built-in is left");
    text
}
