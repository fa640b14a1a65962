//! The text of every shader, plain WGSL under `shaders/`.

/// The text of a shader or part by its path under `shaders/`, without `.wgsl`.
pub(super) fn source(name: &str) -> Option<&'static str> {
    SOURCES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../shaders/", $name, ".wgsl")))),*]
    };
}

const SOURCES: &[(&str, &str)] = sources![
    "add",
    "attention",
    "concat",
    "conv1x1",
    "conv3x3/block",
    "conv3x3/winograd_input",
    "conv3x3/winograd_multiply",
    "conv3x3/winograd_output",
    "downsample",
    "gate",
    "pack",
    "pixel_shuffle",
    "pixel_unshuffle",
    "pool_cells",
    "pool_rows",
    "prelu",
    "sam",
    "sigmoid_gate",
    "unpack",
    "upsample",
    "parts/block",
    "parts/by_channel",
    "parts/cell_none",
    "parts/cell_sums",
    "parts/epilogue_any",
    "parts/epilogue_none",
    "parts/epilogue_prelu",
    "parts/epilogue_residual",
    "parts/flat",
    "parts/image_drop",
    "parts/image_emit",
    "parts/in_f16",
    "parts/in_f16_packed",
    "parts/in_f32",
    "parts/out_f16",
    "parts/out_f16_packed",
    "parts/out_f32",
    "parts/out_words",
    "parts/params",
    "parts/pool_none",
    "parts/pool_sums",
    "parts/res_f16",
    "parts/res_f16_packed",
    "parts/res_f32",
    "parts/sigmoid",
    "parts/source_half",
    "parts/source_one",
    "parts/source_two",
    "parts/spread_broadcast",
    "parts/spread_load",
    "parts/tile",
    "parts/weight_f16",
    "parts/weight_f16_packed",
    "parts/weight_f32",
    "parts/winograd_2",
    "parts/winograd_4",
];
