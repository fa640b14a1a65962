//! Every kernel that any graph is lowered to links, parses, validates, and translates to every language that an
//! adapter may ask for.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use mprnet::gpu::{KernelSpec, Maker, Storage};
use mprnet::graph::{
    Conv, Epilogue, Graph, KernelSize, Op, Patches, PixelFormat, Role, TensorDesc, TensorId, passes,
};
use mprnet::kernels::{self, Choices, Target, Variant};
use mprnet::model::{self, ImageFormat, Mode, ModelConfig, NetworkOptions, Stage, Task, Weights};
use mprnet::probe;
use naga::back::{glsl, spv, wgsl};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};

use crate::common::{Random, feature};
use crate::directx;
use crate::metal;
use crate::passes::TINY;

const STORAGES: [Storage; 3] = [Storage::F32, Storage::F16, Storage::F16Packed];

/// How languages' names begin, which kernels do not translate to them, and why.
type Gap = (&'static str, fn(&KernelSpec) -> bool, &'static str);

/// What cannot be translated; everything else must be, and these must still fail.
const GAPS: &[Gap] = &[
    ("GLSL", KernelSpec::native_f16, "it has no 16-bit floats; such adapters get f16_packed"),
    ("GLSL", KernelSpec::int64, "naga has no 64-bit integers for it; no adapter of it lists them"),
    ("HLSL", KernelSpec::matrices, "naga has no cooperative matrices for it; no adapter of DX12 lists any"),
    (
        "MSL",
        |s| s.parts.iter().any(|p| p.starts_with("matrix_16")),
        "Metal's matrices are 8x8; no adapter of it lists others",
    ),
];

/// A language: its name, and what translates to it.
type Language = (&'static str, fn(&KernelSpec, &Module, &ModuleInfo) -> Result<(), String>);

const LANGUAGES: &[Language] = &[
    ("SPIR-V 1.3", |s, m, i| to_spirv((1, 3), "vulkan1.1", s, m, i)),
    ("SPIR-V 1.6", |s, m, i| to_spirv((1, 6), "vulkan1.3", s, m, i)),
    ("MSL", metal::check),
    ("HLSL", directx::check),
    ("GLSL ES 310", |_, m, i| to_glsl(glsl::Version::new_gles(310), m, i)),
    ("GLSL 430", |_, m, i| to_glsl(glsl::Version::Desktop(430), m, i)),
    ("WGSL", to_wgsl),
];

/// The networks' graphs: each pixel-shuffle factor and image format, with and without stage images and passes.
fn networks() -> Vec<Graph> {
    let mut graphs = Vec::new();
    for shuffle in [1, 2, 4] {
        let weights = Weights::seeded(ModelConfig { shuffle, ..TINY }, 1);
        let pixels = |format| ImageFormat::Pixels { format, strength: 0.5 };
        let formats = [PixelFormat::Unorm8, PixelFormat::Float16, PixelFormat::Float32].map(pixels);
        for format in [ImageFormat::Words, ImageFormat::Planar].into_iter().chain(formats) {
            for keep in [vec![], vec!["stage1".to_owned(), "stage2".to_owned()]] {
                let options = NetworkOptions {
                    height: 64,
                    width: 64,
                    format,
                    stage: Stage::Three,
                    mode: Mode::Global,
                    keep,
                };
                let local = Mode::Local { train_size: Some(16 * shuffle) };
                let graph =
                    model::build(&weights, &NetworkOptions { mode: local, ..options.clone() }).unwrap();
                graphs.extend([passes::optimize(graph.clone()).unwrap(), graph]);
                // A photo that is padded and cropped, and one that has the network's own size.
                for height in [64, 61] {
                    let options = NetworkOptions { height, ..options.clone() };
                    let graph = model::build(&weights, &options).unwrap();
                    graphs.extend([passes::optimize(graph.clone()).unwrap(), graph]);
                }
            }
        }
    }
    graphs
}

/// Convolutions as the passes could fuse them in other networks: over one source, two, or one at half size, of
/// features or images, with each epilogue.
fn convolutions() -> Vec<Graph> {
    let sources = [(KernelSize::One, 1, false), (KernelSize::One, 2, false), (KernelSize::One, 1, true)];
    let sources = sources.into_iter().chain([(KernelSize::Three, 1, false), (KernelSize::Three, 2, false)]);
    let (x, image) = (feature(8, 8, 8, Patches::WHOLE), Role::Image);
    let ends = [
        (Epilogue::None, None, false),
        (Epilogue::None, None, true),
        (Epilogue::Prelu(0.2), None, false),
        (Epilogue::Residual, Some(x), false),
        (Epilogue::Residual, Some(TensorDesc { role: image, ..x }), false),
    ];
    let mut random = Random::new(1);
    let mut graphs = Vec::new();
    for (kernel, count, halve) in sources {
        let side = if halve { 16 } else { 8 };
        for role in [Role::Feature, image] {
            // Only 3x3 convolutions come before pooling.
            for (epilogue, added, pooled) in ends.into_iter().filter(|e| !e.2 || kernel == KernelSize::Three)
            {
                let source = TensorDesc { height: side, width: side, role, ..x };
                let descs = std::iter::repeat_n(source, count).chain(added);
                let mut graph = Graph::new();
                let ids: Vec<TensorId> = descs.map(|desc| graph.add_input("input", desc)).collect();
                let conv = random.conv(&mut graph, kernel, 8, 8 * count, false);
                let op = Op::Conv(Conv { halve, epilogue, pooled, ..conv });
                graph.push("conv", op, &ids, Patches::WHOLE).unwrap();
                graphs.push(graph);
            }
        }
    }
    // As many outputs as each blocking of the Winograd product is for, besides 8, and more than any has at once.
    for outputs in [40, 48, 56, 80, 136] {
        let mut graph = Graph::new();
        let input = graph.add_input("input", x);
        let conv = random.conv(&mut graph, KernelSize::Three, outputs, 8, false);
        graph.push("conv", Op::Conv(conv), &[input], Patches::WHOLE).unwrap();
        graphs.push(graph);
    }
    graphs
}

/// Every distinct kernel at a storage.
fn specs(storage: Storage) -> BTreeSet<KernelSpec> {
    let graphs = [networks(), convolutions()].concat();
    let gpu = Target { subgroups: Some((32, 32)), matrices: vec![8, 16], ..Target::portable(storage) };
    let amd = Target { subgroups: Some((32, 64)), ..gpu.clone().made_by(Maker::Amd) };
    let amd = Target { workgroup_memory: 32 << 10, ..amd };
    let nvidia = Target { workgroup_memory: 48 << 10, lanes: 1024, ..gpu.clone().made_by(Maker::Nvidia) };
    let software = Target { software: true, ..Target::portable(storage) };
    let wide = Target { subgroups: Some((32, 64)), ..gpu.clone() };
    let qualcomm =
        Target { subgroups: Some((64, 128)), ..Target::portable(storage) }.made_by(Maker::Qualcomm);
    let qualcomm = Target { workgroup_memory: 32 << 10, lanes: 1024, ..qualcomm };
    let intel = Target { subgroups: Some((8, 32)), ..Target::portable(storage).made_by(Maker::Intel) };
    let portable = Target::portable(storage);
    let lavapipe = Target::lavapipe(storage);
    let [eight, sixteen] = [8, 16].map(|lanes| lavapipe.clone().with_uniform_loads(Some(lanes)));
    let targets = [portable, lavapipe, eight, sixteen, software, gpu, wide, amd, nvidia, intel, qualcomm];
    let mut specs = BTreeSet::new();
    for (graph, target) in graphs.iter().flat_map(|g| targets.iter().map(move |t| (g, t))) {
        for &variant in Variant::ALL {
            let target = target.clone().with_choices(Choices::Always(variant));
            let stages = graph.nodes().iter().flat_map(|n| kernels::lower(graph, n, &target).stages);
            specs.extend(stages.map(|stage| stage.spec));
        }
    }
    specs
}

/// The distinct kernels of a storage.
fn kernels_of(storage: Storage) -> &'static BTreeSet<KernelSpec> {
    static ALL: OnceLock<Vec<BTreeSet<KernelSpec>>> = OnceLock::new();
    let all = ALL.get_or_init(|| STORAGES.map(specs).into());
    &all[STORAGES.iter().position(|&it| it == storage).unwrap()]
}

/// The kernels of networks where each convolution gets the plainest.
pub fn plainest_specs() -> BTreeSet<KernelSpec> {
    let lower = |graph: &Graph, storage| {
        let target = Target::portable(storage).with_choices(Choices::Always(Variant::Direct));
        let stages = graph.nodes().iter().flat_map(|node| kernels::lower(graph, node, &target).stages);
        stages.map(|stage| stage.spec).collect::<Vec<_>>()
    };
    let networks = networks();
    STORAGES
        .iter()
        .flat_map(|&storage| networks.iter().flat_map(move |graph| lower(graph, storage)))
        .collect()
}

/// Every distinct kernel, and those that measure what adapters can do.
pub fn all_specs() -> BTreeSet<KernelSpec> {
    STORAGES.into_iter().flat_map(kernels_of).cloned().chain(probe::specs()).collect()
}

/// Parses and validates; only the capabilities that the spec says it needs are there.
pub fn compile(spec: &KernelSpec) -> Result<(Module, ModuleInfo), String> {
    let text = spec.link().map_err(|e| e.to_string())?;
    let module = naga::front::wgsl::parse_str(&text).map_err(|e| e.emit_to_string(&text))?;
    let info = validate(&module, capabilities(spec))?;
    Ok((module, info))
}

pub fn capabilities(spec: &KernelSpec) -> Capabilities {
    let mut needed = Capabilities::empty();
    needed.set(Capabilities::SHADER_FLOAT16, spec.native_f16());
    let packed = spec
        .parts
        .iter()
        .any(|p| p.ends_with("_f16_packed") || p.ends_with("_f16_two") || p == "pixels_float16");
    needed.set(Capabilities::SHADER_FLOAT16_IN_FLOAT32, packed);
    needed.set(Capabilities::SHADER_INT64, spec.int64());
    needed.set(Capabilities::SUBGROUP, spec.subgroups());
    needed.set(Capabilities::COOPERATIVE_MATRIX, spec.matrices());
    needed
}

pub fn validate(module: &Module, capabilities: Capabilities) -> Result<ModuleInfo, String> {
    Validator::new(ValidationFlags::all(), capabilities).validate(module).map_err(|e| format!("{e:?}"))
}

pub const CHECKS: BoundsCheckPolicies = BoundsCheckPolicies {
    index: BoundsCheckPolicy::Restrict,
    buffer: BoundsCheckPolicy::Restrict,
    image_load: BoundsCheckPolicy::Restrict,
    binding_array: BoundsCheckPolicy::Unchecked,
};

/// The year of the first `spirv-val` that knows SPV_KHR_cooperative_matrix.
const MATRICES_SINCE: u32 = 2024;

/// The year that `spirv-val` has as its version.
fn spirv_val_year() -> u32 {
    static YEAR: OnceLock<u32> = OnceLock::new();
    *YEAR.get_or_init(|| {
        let output = Command::new("spirv-val").arg("--version").output();
        let text = String::from_utf8(output.expect("this test needs spirv-val").stdout).unwrap();
        let year = text.split(" v").nth(1).and_then(|version| version.split('.').next());
        let year = year.and_then(|year| year.parse().ok()).unwrap_or_else(|| panic!("{text}: no version"));
        if year < MATRICES_SINCE {
            println!(
                "spirv-val of {year} does not know cooperative matrices: kernels with them are not validated"
            );
        }
        year
    })
}

/// What `spirv-val` says, since 2025, of types in registers and workgroup memory that have a layout, as naga gives them
/// (gfx-rs/wgpu#7696). Drivers take it. It ends the validation of that kernel; an older `spirv-val` goes on.
const KNOWN: &str = "VUID-StandaloneSpirv-None-10684";

/// As wgpu's Vulkan backend, and past `spirv-val`.
fn to_spirv(
    version: (u8, u8),
    target: &str,
    spec: &KernelSpec,
    module: &Module,
    info: &ModuleInfo,
) -> Result<(), String> {
    let float16 = spec.native_f16().then_some(spv::Capability::Float16);
    let int64 = spec.int64().then_some(spv::Capability::Int64);
    let texels = spec.weight_texels().then_some(spv::Capability::ImageQuery);
    let subgroups = [
        spv::Capability::GroupNonUniform,
        spv::Capability::GroupNonUniformBallot,
        spv::Capability::GroupNonUniformShuffle,
    ];
    let subgroups = subgroups.into_iter().filter(|_| spec.subgroups());
    let matrices = [spv::Capability::CooperativeMatrixKHR, spv::Capability::VulkanMemoryModel];
    let matrices = matrices.into_iter().filter(|_| spec.matrices());
    let capabilities = [spv::Capability::Shader].into_iter();
    let capabilities =
        capabilities.chain(float16).chain(int64).chain(texels).chain(subgroups).chain(matrices).collect();
    let options = spv::Options {
        lang_version: version,
        capabilities: Some(capabilities),
        bounds_check_policies: CHECKS,
        ..spv::Options::default()
    };
    let stage = spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: "main".to_owned() };
    let words = spv::write_vec(module, info, &options, Some(&stage)).map_err(|e| e.to_string())?;
    if spec.matrices() && spirv_val_year() < MATRICES_SINCE {
        return Ok(());
    }
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    let mut validator = Command::new("spirv-val");
    let started = validator.args(["--target-env", target]).arg(file.path()).output();
    let output = started.expect("this test needs spirv-val: install the package spirv-tools");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    if output.status.success() || text.contains(KNOWN) { Ok(()) } else { Err(text.into_owned()) }
}

fn to_glsl(version: glsl::Version, module: &Module, info: &ModuleInfo) -> Result<(), String> {
    let at = |binding: u32| (naga::ResourceBinding { group: 0, binding }, binding as u8);
    let binding_map = (0..9).map(at).collect();
    let options = glsl::Options { version, binding_map, ..glsl::Options::default() };
    let stage = glsl::PipelineOptions {
        shader_stage: ShaderStage::Compute,
        entry_point: "main".to_owned(),
        multiview: None,
    };
    let mut text = String::new();
    // GL itself keeps accesses within a buffer.
    let policies = BoundsCheckPolicies::default();
    let writer = glsl::Writer::new(&mut text, module, info, &options, &stage, policies);
    writer.and_then(|mut w| w.write()).map(|_| ()).map_err(|e| e.to_string())
}

/// What a browser gets; it parses again.
fn to_wgsl(spec: &KernelSpec, module: &Module, info: &ModuleInfo) -> Result<(), String> {
    let text = wgsl::write_string(module, info, wgsl::WriterFlags::empty()).map_err(|e| e.to_string())?;
    let parsed = naga::front::wgsl::parse_str(&text).map_err(|e| e.emit_to_string(&text))?;
    validate(&parsed, capabilities(spec)).map(|_| ())
}

/// A new kernel changes the counts; a shader or part that no kernel here links would be left out of every check, and so
/// would a line of it that linking leaves out of every kernel.
#[test]
fn every_shader_is_reached() {
    assert_eq!(STORAGES.map(|storage| kernels_of(storage).len()), [233, 534, 388]);
    let mut linked = BTreeSet::new();
    for spec in all_specs() {
        linked.extend(spec.link().unwrap().lines().map(str::to_owned));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let mut dead = Vec::new();
    for folder in ["", "conv3x3", "parts", "probe"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_some_and(|extension| extension == "wgsl") {
                let text = std::fs::read_to_string(&file).unwrap();
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                dead.extend(
                    lines.filter(|&line| !linked.contains(line)).map(|l| (file.clone(), l.to_owned())),
                );
            }
        }
    }
    assert!(dead.is_empty(), "nothing reaches {dead:#?}");
}

/// A software adapter compiles each pipeline for up to a second before the first photo.
#[test]
fn a_network_needs_few_pipelines() {
    let published = [Task::Derain, Task::Denoise, Task::Deblur];
    let seeded = published.map(|task| Weights::seeded(task.published_config(), 0));
    for weights in seeded.into_iter().chain(published.map(|task| Weights::embedded(task).unwrap())) {
        let format = ImageFormat::Words;
        // Windows are smaller than any patch of this photo.
        for mode in [Mode::Global, Mode::Local { train_size: Some(16) }] {
            let options =
                NetworkOptions { height: 64, width: 64, format, stage: Stage::Three, mode, keep: vec![] };
            let graph = passes::optimize(model::build(&weights, &options).unwrap()).unwrap();
            let target = Target::lavapipe(Storage::F32);
            let stages = graph.nodes().iter().flat_map(|n| kernels::lower(&graph, n, &target).stages);
            let count = stages.map(|stage| stage.spec).collect::<BTreeSet<_>>().len();
            assert!(count <= 16, "{}, {mode:?}: {count} pipelines", weights.config());
        }
    }
}

#[test]
fn every_kernel_translates() {
    for spec in all_specs() {
        let (module, info) = compile(&spec).unwrap_or_else(|e| panic!("{}: {e}", spec.name()));
        for (language, translate) in LANGUAGES {
            let gap = GAPS.iter().find(|(name, holds, _)| language.starts_with(name) && holds(&spec));
            match (translate(&spec, &module, &info), gap) {
                (Ok(()), None) | (Err(_), Some(_)) => {}
                (Err(e), None) => panic!("{} to {language}: {e}", spec.name()),
                (Ok(()), Some((_, _, reason))) => {
                    panic!("{} translates to {language} although {reason}: take it off the list", spec.name())
                }
            }
        }
    }
}
