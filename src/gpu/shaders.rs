//! The text of every shader, plain WGSL under `shaders/`.

/// The text of a shader or part by its path under `shaders/`, without `.wgsl`.
///
/// For whoever writes kernels, a debug build reads them from the folder that `MPRNET_SHADERS` names, if it does, so that a
/// change needs no build. They are compiled as they would ship, without checks: a program for users never does that.
pub(super) fn source(name: &str) -> Option<&'static str> {
    let (name, embedded) = SOURCES.iter().find(|(n, _)| *n == name)?;
    if cfg!(debug_assertions)
        && let Some(folder) = std::env::var_os("MPRNET_SHADERS")
    {
        let path = std::path::Path::new(&folder).join(format!("{name}.wgsl"));
        return std::fs::read_to_string(path).ok().map(|text| &*text.leak());
    }
    Some(embedded)
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
    "conv3x3/direct",
    "conv3x3/lanes",
    "conv3x3/matrix",
    "conv3x3/tiled",
    "conv3x3/winograd_fused",
    "conv3x3/winograd_input",
    "conv3x3/winograd_multiply",
    "conv3x3/winograd_multiply_by_tile",
    "conv3x3/winograd_output",
    "conv3x3/winograd_product",
    "conv3x3/winograd_shared",
    "conv3x3/winograd_tile_input",
    "conv3x3/winograd_tile_output",
    "downsample",
    "gate",
    "pack",
    "pixel_shuffle",
    "pixel_unshuffle",
    "pool_cells",
    "pool_rows",
    "prelu",
    "probe/fma",
    "probe/matrix",
    "probe/triad",
    "sam",
    "sigmoid_gate",
    "unpack",
    "upsample",
    "parts/block",
    "parts/block_4x8",
    "parts/block_put",
    "parts/by_channel",
    "parts/epilogue_any",
    "parts/epilogue_none",
    "parts/epilogue_prelu",
    "parts/epilogue_residual",
    "parts/filter_storage",
    "parts/filters",
    "parts/flat",
    "parts/image_drop",
    "parts/image_emit",
    "parts/in_f16",
    "parts/in_f16_packed",
    "parts/in_f32",
    "parts/in_f32_wide",
    "parts/lanes_local",
    "parts/lanes_subgroup",
    "parts/matrix_16",
    "parts/matrix_8",
    "parts/matrix_source_one",
    "parts/matrix_source_two",
    "parts/number_f16",
    "parts/number_f32",
    "parts/octet_broadcast",
    "parts/out_f16",
    "parts/out_f16_packed",
    "parts/out_f32",
    "parts/out_f32_wide",
    "parts/out_words",
    "parts/padded",
    "parts/pair",
    "parts/pair_wide",
    "parts/pairs_broadcast",
    "parts/pairs_load",
    "parts/params",
    "parts/pool_none",
    "parts/pool_own",
    "parts/pool_shared",
    "parts/res_f16",
    "parts/res_f16_packed",
    "parts/res_f32",
    "parts/res_f32_wide",
    "parts/row_lane",
    "parts/row_subgroup",
    "parts/run_8x4",
    "parts/run_8x8",
    "parts/sigmoid",
    "parts/source_half",
    "parts/source_one",
    "parts/source_two",
    "parts/spread_broadcast",
    "parts/spread_load",
    "parts/spread_shuffle",
    "parts/sums_own",
    "parts/tile",
    "parts/tiles_broadcast",
    "parts/tiles_by_row",
    "parts/tiles_load",
    "parts/tiles_whole",
    "parts/weight_f16",
    "parts/weight_f16_packed",
    "parts/weight_f32",
    "parts/weight_f32_texel",
    "parts/weights_shared",
    "parts/weights_uniform",
    "parts/wide",
    "parts/winograd_2",
    "parts/winograd_4",
];
