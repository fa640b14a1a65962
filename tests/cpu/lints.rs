//! Every kernel keeps to the limits that every adapter has, and to the conventions that the executor relies on.

use std::mem::offset_of;
use std::path::Path;

use mprnet::kernels::{BindingIndex, Params, View};
use naga::{
    AddressSpace, Block, Expression, Function, Handle, Module, ShaderStage, Statement, StorageAccess, Type,
    TypeInner,
};

use crate::limits::Taken;
use crate::translate::{all_specs, compile};

/// Names by binding number.
pub const NAMES: [&str; 9] = ["p", "weights", "bias", "dst", "dst2", "x", "x2", "residual", "gates"];
/// What a kernel may write to.
pub const MUTABLE: [&str; 2] = ["dst", "dst2"];

/// What a workgroup takes at most: lanes, and bytes of its memory.
type Most = (u32, u32);
/// On every adapter: WebGPU's default limits.
const ANYWHERE: Most = (256, 16 << 10);
/// Kernels that are used where `Target::lanes` and `Target::workgroup_memory` have room for them.
const LARGER: [(&str, Most); 2] =
    [("conv3x3/winograd_shared", (320, 25 << 10)), ("conv3x3/matrix", (256, 20 << 10))];

/// Where a module breaks what holds on every adapter or what the executor relies on.
fn lint(module: &Module, (most_lanes, most_shared): Most) -> Vec<String> {
    let mut found = Vec::new();
    let Taken { storages, shared, .. } = Taken::by(module);
    for (_, variable) in module.global_variables.iter() {
        let name = variable.name.as_deref().unwrap_or_default();
        match variable.space {
            AddressSpace::Storage { access } => {
                if access.contains(StorageAccess::STORE) != MUTABLE.contains(&name) {
                    found.push(format!("{name} is bound for {access:?}"));
                }
            }
            AddressSpace::Uniform => found.extend(lint_params(module, variable.ty)),
            AddressSpace::Handle if name != "weights" => found.push(format!("{name} is an image")),
            AddressSpace::Handle => {}
            _ => continue,
        }
        let expected = NAMES.iter().position(|n| *n == name).map(|at| (0, at as u32));
        let binding = variable.binding.map(|b| (b.group, b.binding));
        if variable.space != AddressSpace::WorkGroup && (binding != expected || binding.is_none()) {
            found.push(format!("{name} is at {binding:?} where {expected:?} is its place"));
        }
    }
    if shared > most_shared {
        found.push(format!("{shared} bytes of workgroup memory"));
    }
    if storages > 8 {
        found.push(format!("{storages} storage bindings"));
    }
    let functions = module.functions.iter().map(|(_, function)| function);
    for function in functions.chain(module.entry_points.iter().map(|entry| &entry.function)) {
        let mut stored = Vec::new();
        stores(&function.body, &mut stored);
        if stored.into_iter().any(|pointer| is_shared_component(module, function, pointer)) {
            found.push("a component of a vector in workgroup memory is stored by itself".to_owned());
        }
    }
    for entry in &module.entry_points {
        let invocations: u32 = entry.workgroup_size.iter().product();
        if invocations > most_lanes || entry.name != "main" || entry.stage != ShaderStage::Compute {
            found.push(format!("{:?} {} has {invocations} invocations", entry.stage, entry.name));
        }
    }
    found
}

/// Where a block of statements stores, the blocks within it included.
fn stores(block: &Block, found: &mut Vec<Handle<Expression>>) {
    for statement in block {
        match statement {
            Statement::Store { pointer, .. } => found.push(*pointer),
            Statement::Block(inner) => stores(inner, found),
            Statement::If { accept, reject, .. } => {
                [accept, reject].into_iter().for_each(|b| stores(b, found));
            }
            Statement::Loop { body, continuing, .. } => {
                [body, continuing].into_iter().for_each(|b| stores(b, found));
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| stores(&case.body, found)),
            _ => {}
        }
    }
}

/// Whether a pointer is to one component of a vector in workgroup memory: a store there may be one to the whole vector
/// (WGSL, "vector access expression"), which takes away what other lanes store to its other components.
fn is_shared_component(module: &Module, function: &Function, pointer: Handle<Expression>) -> bool {
    // The chain from the variable to what is pointed at.
    let (mut chain, mut at) = (Vec::new(), pointer);
    let mut ty = loop {
        match function.expressions[at] {
            Expression::Access { base, .. } => chain.push((std::mem::replace(&mut at, base), 0)),
            Expression::AccessIndex { base, index } => {
                chain.push((std::mem::replace(&mut at, base), index as usize));
            }
            Expression::GlobalVariable(variable) => {
                let variable = &module.global_variables[variable];
                if variable.space != AddressSpace::WorkGroup {
                    return false;
                }
                break variable.ty;
            }
            _ => return false,
        }
    };
    for (_, index) in chain.into_iter().rev() {
        ty = match &module.types[ty].inner {
            TypeInner::Array { base, .. } => *base,
            TypeInner::Struct { members, .. } => members[index].ty,
            TypeInner::Vector { .. } => return true,
            other => panic!("{other:?} in workgroup memory"),
        };
    }
    false
}

/// The uniform block's members, with their offsets as Rust has them.
fn params() -> Vec<(&'static str, usize)> {
    let ints = |base: usize, names: [&'static str; 4]| (0..4).map(move |i| (names[i], base + 4 * i));
    let view = |i: usize| (NAMES[3 + i], offset_of!(Params, views) + i * size_of::<View>());
    let mut members: Vec<_> = (0..6).map(view).collect();
    members
        .extend(ints(offset_of!(Params, patch), ["patch_height", "patch_width", "cell_rows", "cell_cols"]));
    members.extend(ints(
        offset_of!(Params, window),
        ["first_row", "rows", "first_cell_row", "window_cell_rows"],
    ));
    members.extend(
        ["first_column", "columns"].iter().zip([0, 4]).map(|(n, at)| (*n, offset_of!(Params, strip) + at)),
    );
    members.extend([
        ("channels", offset_of!(Params, channels)),
        ("hidden", offset_of!(Params, hidden)),
        ("scalar", offset_of!(Params, scalar)),
    ]);
    members
}

const VIEW: [(&str, usize); 4] = [
    ("base", offset_of!(View, base)),
    ("width", offset_of!(View, width)),
    ("height", offset_of!(View, height)),
    ("quads", offset_of!(View, quads)),
];

fn lint_params(module: &Module, ty: Handle<Type>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, ty) in lint_struct(module, ty, &params(), size_of::<Params>(), &mut found) {
        match module.types[ty].inner {
            TypeInner::Struct { .. } => {
                lint_struct(module, ty, &VIEW, size_of::<View>(), &mut found);
            }
            TypeInner::Scalar(naga::Scalar::F32) if name == "scalar" => {}
            TypeInner::Scalar(naga::Scalar::I32) if name != "scalar" => {}
            ref other => found.push(format!("{name} is {other:?}")),
        }
    }
    found
}

/// Compares names, offsets and size; gives the members' types.
fn lint_struct(
    module: &Module,
    ty: Handle<Type>,
    expected: &[(&str, usize)],
    size: usize,
    found: &mut Vec<String>,
) -> Vec<(String, Handle<Type>)> {
    let TypeInner::Struct { members, span } = &module.types[ty].inner else { return Vec::new() };
    let name = |m: &naga::StructMember| m.name.clone().unwrap_or_default();
    let actual: Vec<_> = members.iter().map(|m| (name(m), m.offset as usize)).collect();
    let same = actual.iter().map(|(n, at)| (n.as_str(), *at)).eq(expected.iter().copied());
    if !same || *span as usize != size {
        found.push(format!("{span} bytes of uniforms {actual:?} where {size} {expected:?} are written"));
    }
    members.iter().map(|m| (name(m), m.ty)).collect()
}

#[test]
fn bindings_are_numbered_as_their_slots() {
    use BindingIndex::{Bias, Dst, Dst2, Gates, Residual, Weights, X, X2};
    let slots = [Weights, Bias, Dst, Dst2, X, X2, Residual, Gates].map(|slot| slot as usize);
    assert_eq!(slots, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn every_kernel_keeps_limits_and_conventions() {
    for spec in all_specs() {
        let (module, _) = compile(&spec).unwrap_or_else(|e| panic!("{}: {e}", spec.name()));
        let most =
            LARGER.iter().find(|(shader, _)| *shader == spec.shader).map_or(ANYWHERE, |(_, most)| *most);
        assert_eq!(lint(&module, most), Vec::<String>::new(), "{}", spec.name());
    }
}

/// Each rule, seen broken.
#[test]
fn broken_kernels_are_found() {
    let sound = [
        include_str!("../../shaders/parts/params.wgsl"),
        "@group(0) @binding(3) var<storage, read_write> dst: array<u32>;",
        "@group(0) @binding(5) var<storage, read> x: array<u32>;",
        "@compute @workgroup_size(64) fn main() {}",
    ]
    .join("\n");
    assert_eq!(lint(&naga::front::wgsl::parse_str(&sound).unwrap(), ANYWHERE), Vec::<String>::new());
    let storage = |i: u32| format!("@group(0) @binding({i}) var<storage> s{i}: array<u32>;\n");
    let many: String = (9..16).map(storage).collect();
    let cases = [
        ("@workgroup_size(64)", "@workgroup_size(64, 5)", "320 invocations"),
        ("fn main", "fn other", "Compute other"),
        (
            "@compute @workgroup_size(64) fn main() {}",
            "var<workgroup> sh: array<vec4<f32>, 8>;\n\
             @compute @workgroup_size(64) fn main() { for (var i = 0; i < 2; i++) { sh[i][i % 4] = 1.0; } }",
            "a component of a vector in workgroup memory",
        ),
        ("var<storage, read> x: array<u32>", "var x: texture_storage_2d<rgba32float, read>", "x is an image"),
        ("@compute", "var<workgroup> big: array<u32, 4097>;\n@compute", "16388 bytes of workgroup memory"),
        ("@compute", &format!("{many}@compute"), "9 storage bindings"),
        ("@binding(5)", "@binding(6)", "x is at Some((0, 6)) where Some((0, 5))"),
        ("@group(0) @binding(5)", "@group(1) @binding(5)", "x is at Some((1, 5))"),
        ("> x: array", "> y: array", "y is at Some((0, 5)) where None"),
        ("var<storage, read> x", "var<storage, read_write> x", "x is bound for"),
        ("var<storage, read_write> dst", "var<storage, read> dst", "dst is bound for"),
        ("    dst2: View,\n", "", "132 bytes"),
        ("    scalar: f32,\n", "    scalar: f32,\n    more: vec4<f32>,\n", "176 bytes"),
        (" rows: i32,\n    first_cell_row: i32", " first_cell_row: i32,\n    rows: i32", "bytes of uniforms"),
        (" base: i32,\n    width: i32", " width: i32,\n    base: i32", "bytes of uniforms"),
        ("hidden: i32", "hidden: u32", "hidden is"),
    ];
    for (from, to, expected) in cases {
        let broken = sound.replace(from, to);
        assert_ne!(broken, sound, "{from} is not there");
        let module = naga::front::wgsl::parse_str(&broken).unwrap_or_else(|e| panic!("{to}: {e}"));
        let found = lint(&module, ANYWHERE);
        assert!(found.iter().any(|f| f.contains(expected)), "{to}: {found:?}");
    }
}

/// Where a shader's loop might not end: each must be `for (var i = ..; i < bound; i += step)`, or `i * factor < bound`,
/// with constant step and factor, a bound that no variable is part of, and `i` changed nowhere else.
fn lint_loops(text: &str) -> Vec<String> {
    let code: String = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    // Names, less those of members.
    let words = |text: &str| -> Vec<String> {
        let all = text.split(|c| !is_word(c) && c != '.').filter(|w| !w.is_empty());
        all.map(|w| w.split('.').next().unwrap_or_default().to_owned()).collect()
    };
    let constant =
        |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "_u".contains(c));
    let mut found = Vec::new();
    if words(&code).iter().any(|w| w == "while" || w == "loop") {
        found.push("a loop that is no `for`".to_owned());
    }
    let mut pieces = code.split("for (");
    let mut rest = pieces.next().unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    for piece in pieces {
        let (header, body) = piece.split_once('{').unwrap_or((piece, ""));
        headers.push(header.trim().trim_end_matches(')').to_owned());
        rest += body;
    }
    let declared =
        rest.split("var").skip(1).filter(|d| d.starts_with([' ', '<']) && !d.starts_with("<uniform"));
    let variables: Vec<String> =
        declared.filter_map(|d| words(d.split_once([':', '=']).map_or(d, |(name, _)| name)).pop()).collect();
    for header in headers {
        let parts: Vec<&str> = header.split(';').map(str::trim).collect();
        let name =
            parts[0].strip_prefix("var ").and_then(|init| words(init).into_iter().next()).unwrap_or_default();
        let condition = parts.get(1).and_then(|c| c.split_once(" < "));
        let left = condition.and_then(|(left, _)| left.strip_prefix(name.as_str()));
        let left = left.is_some_and(|l| l.is_empty() || l.strip_prefix(" * ").is_some_and(constant));
        let bound =
            condition.is_some_and(|(_, b)| words(b).iter().all(|w| !variables.contains(w) && *w != name));
        let step = parts.get(2).and_then(|s| s.strip_prefix(name.as_str()));
        let step = step
            .is_some_and(|s| s == "++" || s.strip_prefix(" += ").is_some_and(|s| constant(s) && s != "0"));
        let changed = ["=", "+=", "-=", "++", "--"].iter().any(|by| {
            let assigned = |at: usize| {
                let after = rest[at + name.len()..].trim_start();
                let before = &rest[..at];
                let other = before.chars().next_back().is_some_and(|c| is_word(c) || c == '.');
                let declared = before.ends_with("let ") || before.ends_with("var ");
                !other && !declared && after.starts_with(by) && !after.starts_with("==")
            };
            rest.match_indices(name.as_str()).any(|(at, _)| assigned(at))
                || rest.contains(&format!("&{name})"))
        });
        if name.is_empty() || !left || !bound || !step || changed {
            found.push(format!("for ({header})"));
        }
    }
    found
}

/// What `src/gpu/trusted.rs` relies on.
#[test]
fn every_loop_ends() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut loops = 0;
    for folder in ["", "parts", "conv3x3", "probe"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "wgsl") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert_eq!(lint_loops(&text), Vec::<String>::new(), "{}", path.display());
                loops += text.matches("for (").count();
            }
        }
    }
    assert!(loops > 50, "{loops} loops were seen");
}

/// Each way not to end, seen.
#[test]
fn endless_loops_are_found() {
    let sound = "var n = 4; let m = n; for (var i = 0; i * STEP < m + p.rows; i += STEP) { let k = i == 1; a[i] = 2; }";
    assert_eq!(lint_loops(sound), Vec::<String>::new());
    let cases = [
        ("for (var i = 0; i * STEP < m + p.rows; i += STEP)", "while true"),
        ("for (var i = 0; i * STEP < m + p.rows; i += STEP)", "loop"),
        ("m + p.rows;", "n;"),
        ("m + p.rows;", "m + i;"),
        ("i * STEP <", "i * m <"),
        ("i * STEP <", "i - m <"),
        ("i * STEP <", "i * STEP !="),
        ("i += STEP", "i += m"),
        ("i += STEP", "i += 0"),
        ("i += STEP", "i -= STEP"),
        ("i += STEP", ""),
        ("var i = 0", ""),
        ("a[i] = 2", "i = 2"),
        ("a[i] = 2", "i -= 2"),
        ("a[i] = 2", "i--"),
        ("a[i] = 2", "change(&i)"),
    ];
    for (from, to) in cases {
        let broken = sound.replace(from, to);
        assert_ne!(broken, sound, "{from} is not there");
        assert_eq!(lint_loops(&broken).len(), 1, "{to}");
    }
}
