//! What Metal lacks, in the text that naga writes for it: naga translates more than Metal's compiler takes, and there
//! is no such compiler here to ask.

use std::collections::BTreeSet;

use mprnet::gpu::KernelSpec;
use mprnet::kernels::BindingIndex;
use naga::back::msl;
use naga::proc::Layouter;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ShaderStage};

use crate::lints::{MUTABLE, NAMES};
use crate::translate::CHECKS;

/// A version of Metal's language, major and minor.
type Version = (u8, u8);

/// The oldest version at which wgpu lists what a kernel needs: 64-bit integers and matrices from 2.3 on; subgroups,
/// which need Metal to tell the family of a GPU, from 2.2 on; the rest is held to macOS 10.13.
fn oldest(spec: &KernelSpec) -> Version {
    if spec.matrices() || spec.int64() {
        (2, 3)
    } else if spec.subgroups() {
        (2, 2)
    } else {
        (2, 0)
    }
}

/// Threads of a threadgroup, and bytes of its memory, that no GPU of Metal exceeds.
const MOST_THREADS: u32 = 1024;
const MOST_MEMORY: u32 = 32 << 10;

/// Names as naga writes them, or what they begin with, and since which version every GPU of Metal has them.
const SINCE: &[(&str, Option<Version>)] = &[
    // Only Apple's latest GPUs have any, minimum and maximum alone.
    ("metal::atomic_long", None),
    ("metal::atomic_ulong", None),
    ("metal::atomic_float", Some((3, 0))),
    ("long", Some((2, 2))),
    ("metal::long", Some((2, 2))),
    ("ulong", Some((2, 2))),
    ("metal::ulong", Some((2, 2))),
    // macOS had them before iOS.
    ("metal::simd_", Some((2, 2))),
    ("metal::quad_", Some((2, 2))),
    ("threads_per_simdgroup", Some((2, 2))),
    ("thread_index_in_simdgroup", Some((2, 2))),
    ("metal::simdgroup_", Some((2, 3))),
];

/// What begins with `simdgroup_` and is Metal's: matrices, what is done with them, a barrier, and a group's number.
const SIMDGROUP: &[&str] = &[
    "metal::simdgroup_float8x8",
    "metal::simdgroup_half8x8",
    "metal::simdgroup_barrier",
    "simdgroup_load",
    "simdgroup_store",
    "simdgroup_multiply_accumulate",
    "simdgroup_index_in_threadgroup",
];

/// As wgpu's Metal backend.
fn write(version: Version, module: &Module, info: &ModuleInfo) -> Result<String, String> {
    let slot = |binding: u32| {
        let mutable = MUTABLE.contains(&NAMES[binding as usize]);
        let texture = (binding == BindingIndex::Weights as u32).then_some(0);
        let target = msl::BindTarget { buffer: Some(binding as u8), texture, mutable, ..Default::default() };
        (naga::ResourceBinding { group: 0, binding }, target)
    };
    let (resources, sizes_buffer) = ((0..9).map(slot).collect(), Some(9));
    let entry = msl::EntryPointResources { resources, sizes_buffer, ..Default::default() };
    let options = msl::Options {
        lang_version: version,
        per_entry_point_map: [("main".to_owned(), entry)].into(),
        fake_missing_bindings: false,
        bounds_check_policies: CHECKS,
        ..msl::Options::default()
    };
    let stage = msl::PipelineOptions {
        entry_point: Some((ShaderStage::Compute, "main".to_owned())),
        ..msl::PipelineOptions::default()
    };
    let (text, translated) = msl::write_string(module, info, &options, &stage).map_err(|e| e.to_string())?;
    translated.entry_point_names.into_iter().try_for_each(|e| e.map(|_| ()).map_err(|e| e.to_string()))?;
    Ok(text)
}

/// Translates a kernel, and searches what came of it.
pub fn check(spec: &KernelSpec, module: &Module, info: &ModuleInfo) -> Result<(), String> {
    let version = oldest(spec);
    let found = lint(&write(version, module, info)?, version, module);
    if found.is_empty() { Ok(()) } else { Err(found.join("; ")) }
}

/// Where a kernel asks for what a version of Metal, or every GPU of Metal, lacks.
fn lint(text: &str, version: Version, module: &Module) -> Vec<String> {
    let mut found = lint_names(text, version);
    for entry in &module.entry_points {
        let threads: u32 = entry.workgroup_size.iter().product();
        if threads > MOST_THREADS {
            found.push(format!("{threads} threads in a threadgroup"));
        }
    }
    let mut layouter = Layouter::default();
    layouter.update(module.to_ctx()).expect("types have sizes");
    let shared = module.global_variables.iter().filter(|(_, v)| v.space == AddressSpace::WorkGroup);
    let bytes: u32 = shared.map(|(_, v)| layouter[v.ty].size).sum();
    if bytes > MOST_MEMORY {
        found.push(format!("{bytes} bytes of threadgroup memory"));
    }
    found
}

fn lint_names(text: &str, version: Version) -> Vec<String> {
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    for line in text.lines().map(|line| line.split("//").next().unwrap_or_default()) {
        names.extend(line.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c))));
        let between_lanes = line.contains("= metal::simd_") || line.contains("= metal::quad_");
        let result = line.trim_start().trim_start_matches("metal::");
        if between_lanes && (result.starts_with("long") || result.starts_with("ulong")) {
            found.push(format!("{}: Metal moves no 64-bit values between lanes", line.trim()));
        }
    }
    for name in names {
        let begins = |with: &str| {
            let rest = name.strip_prefix(with);
            rest.is_some_and(|rest| with.ends_with('_') || rest.chars().all(|c| c.is_ascii_digit()))
        };
        for (_, since) in SINCE.iter().filter(|(with, _)| begins(with)) {
            if since.is_none_or(|since| version < since) {
                found.push(format!("{name} is not in Metal {}.{}", version.0, version.1));
            }
        }
        if name.trim_start_matches("metal::").starts_with("simdgroup_") && !SIMDGROUP.contains(&name) {
            found.push(format!("{name} is nothing of Metal's"));
        }
    }
    found
}

const SOUND: &str = "enable wgpu_cooperative_matrix;
enable f16;
@group(0) @binding(3) var<storage, read_write> dst: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    dst[lane] = lane;
}";

/// What is found in the sound kernel with a piece of it replaced.
fn found_with(from: &str, to: &str, version: Version) -> Vec<String> {
    let broken = SOUND.replace(from, to);
    assert_ne!(broken, SOUND, "{from} is not there");
    let module =
        naga::front::wgsl::parse_str(&broken).unwrap_or_else(|e| panic!("{}", e.emit_to_string(&broken)));
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module);
    let info = info.unwrap_or_else(|e| panic!("{to}: {e:?}"));
    lint(&write(version, &module, &info).unwrap_or_else(|e| panic!("{to}: {e}")), version, &module)
}

/// Each rule, seen broken in WGSL that naga translates, so that the rules know how it spells things; and kept, in the
/// version that has what the one before lacks.
#[test]
fn what_metal_lacks_is_found() {
    let version = (3, 2);
    assert_eq!(found_with("lane;", "lane + 1;", (2, 0)), Vec::<String>::new());
    let newer: [(&str, &str, &str, Version, Version); 10] = [
        ("= lane", "= u32(u64(lane) * 3lu)", "ulong", (2, 1), (2, 2)),
        ("= lane", "= u32(i64(lane) * 3li)", "long", (2, 1), (2, 2)),
        ("= lane", "= u32(vec2<u64>(u64(lane)).y)", "metal::ulong2", (2, 1), (2, 2)),
        ("= lane", "= u32(vec2<i64>(i64(lane)).y)", "metal::long2", (2, 1), (2, 2)),
        ("= lane", "= subgroupShuffle(lane, 1u)", "metal::simd_shuffle", (2, 1), (2, 2)),
        ("= lane", "= quadBroadcast(lane, 1u)", "metal::quad_broadcast", (2, 1), (2, 2)),
        ("main(", "main(@builtin(subgroup_size) l: u32, ", "threads_per_simdgroup", (2, 1), (2, 2)),
        (
            "main(",
            "main(@builtin(subgroup_invocation_id) l: u32, ",
            "thread_index_in_simdgroup",
            (2, 1),
            (2, 2),
        ),
        ("    dst", "    var m: coop_mat8x8<f32, C>;\n    dst", "metal::simdgroup_float8x8", (2, 2), (2, 3)),
        (
            "dst[lane] = lane;\n}",
            "atomicStore(&s, 1.0);\n}\n@group(0) @binding(4) var<storage, read_write> s: atomic<f32>;",
            "metal::atomic_float",
            (2, 4),
            (3, 0),
        ),
    ];
    for (from, to, name, before, since) in newer {
        let found = found_with(from, to, before);
        assert!(found.iter().any(|f| f.starts_with(&format!("{name} is not in Metal"))), "{to}: {found:?}");
        assert_eq!(found_with(from, to, since), Vec::<String>::new(), "{to}");
    }
    let nowhere = [
        (
            "dst[lane] = lane;\n}",
            "atomicMax(&s, 1lu);\n}\nvar<workgroup> s: atomic<u64>;",
            "metal::atomic_ulong is not",
        ),
        (
            "dst[lane] = lane;\n}",
            "atomicMax(&s, 1li);\n}\nvar<workgroup> s: atomic<i64>;",
            "metal::atomic_long is not",
        ),
        ("= lane", "= u32(subgroupShuffle(u64(lane), 1u))", "moves no 64-bit values"),
        ("= lane", "= u32(quadBroadcast(vec2<i64>(i64(lane)), 1u).x)", "moves no 64-bit values"),
        ("    dst", "    var m: coop_mat16x16<f16, A>;\n    dst", "metal::simdgroup_half16x16 is nothing"),
        ("(64)", "(64, 17)", "1088 threads"),
        ("@group", "var<workgroup> s: array<u32, 8193>;\n@group", "32772 bytes"),
    ];
    for (from, to, expected) in nowhere {
        let found = found_with(from, to, version);
        assert!(found.iter().any(|f| f.contains(expected)), "{to}: {found:?}");
    }
}
