//! Operators and variants on an adapter, against the CPU twin.

use super::report::{KernelCheck, Outcome};
use super::{Only, operators};
use crate::gpu::{Device, Storage};
use crate::kernels::{Choices, ConvShape, Target, Variant};
use crate::plan::Precision;
use crate::specimen::{HALF, Specimen, bound};
use crate::{Error, ExecutorOptions, Result};

/// Runs whose bytes are compared.
const RUNS: usize = 3;
const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::F16];

/// What every operator may err but 3x3 convolutions, whose variants have bounds of their own: a sum of some hundred
/// products in f32 stays below 2e-6.
const DIRECT: f64 = 2e-6;

/// Shapes on which every variant is checked: one source and two, each blocking of outputs, each epilogue, patches with
/// partial cells.
fn shapes() -> [ConvShape; 3] {
    let shape = |inputs: &[u32], outputs, patches, epilogue, pooled| ConvShape {
        inputs: inputs.to_vec(),
        outputs,
        size: [20, 52],
        patches,
        epilogue,
        pooled,
    };
    [
        shape(&[12], 40, [2, 2], "prelu", false),
        shape(&[9, 9], 84, [2, 1], "none", true),
        shape(&[40], 16, [1, 1], "residual", false),
    ]
}

/// Every operator, then every variant, at both precisions; `progress` hears of each.
pub(super) fn check(
    device: &Device,
    only: &Only,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<KernelCheck>> {
    let mut checks = Vec::new();
    for (operator, specimen) in operators::all()?.into_iter().filter(|(operator, _)| only.has(operator)) {
        progress(&operator);
        for precision in PRECISIONS {
            let bound = rule_bound(device, &specimen, precision);
            let options = ExecutorOptions { precision, ..ExecutorOptions::default() };
            let outcome = outcome(device, &specimen, &options, bound);
            let precision = precision.name().to_owned();
            checks.push(KernelCheck { operator: operator.clone(), variant: None, precision, outcome });
        }
    }
    for shape in shapes() {
        let operator = format!("conv3x3 {shape}");
        let wanted = |variant: &&Variant| only.has(&format!("{operator}, {}", variant.name()));
        let variants: Vec<Variant> = Variant::ALL.iter().filter(wanted).copied().collect();
        if variants.is_empty() {
            continue;
        }
        progress(&operator);
        let specimen = Specimen::convolution(&shape)?;
        for variant in variants {
            for precision in PRECISIONS {
                let outcome = variant_outcome(device, &specimen, variant, precision);
                let (variant, precision) = (Some(variant.name().to_owned()), precision.name().to_owned());
                checks.push(KernelCheck { operator: operator.clone(), variant, precision, outcome });
            }
        }
    }
    Ok(checks)
}

/// What a specimen may err with the kernels of the rule.
fn rule_bound(device: &Device, specimen: &Specimen, precision: Precision) -> f64 {
    let target = Target::of(device, precision);
    let chosen = specimen.conv_shape().map(|shape| Choices::Rule.variant(&shape, &target));
    match chosen {
        Some(variant) => bound(variant, target.storage),
        None if target.storage == Storage::F32 => DIRECT,
        None => HALF,
    }
}

fn variant_outcome(device: &Device, specimen: &Specimen, variant: Variant, precision: Precision) -> Outcome {
    let target = Target::of(device, precision);
    if let Some(reason) = variant.refused(&target) {
        return Outcome::Skipped { reason: reason.to_owned() };
    }
    let options =
        ExecutorOptions { precision, choices: Choices::Always(variant), ..ExecutorOptions::default() };
    let outcome = outcome(device, specimen, &options, bound(variant, target.storage));
    // Where a variant does not compile another one takes its place, which is not what is checked.
    match variant.refused(&Target::of(device, precision)) {
        Some(reason) => Outcome::Failed { reason: reason.to_owned() },
        None => outcome,
    }
}

fn outcome(device: &Device, specimen: &Specimen, options: &ExecutorOptions, bound: f64) -> Outcome {
    let measured = || -> Result<Outcome> {
        let mut executor = specimen.executor(device, options)?;
        let runs = (0..RUNS).map(|_| specimen.results(&mut executor, device)).collect::<Result<Vec<_>>>()?;
        let error = specimen.error_of(&runs[0])?;
        let repeats = runs.windows(2).all(|pair| pair[0] == pair[1]);
        Ok(Outcome::Measured { error: Some(error).filter(|e| e.is_finite()), bound, repeats })
    };
    measured().unwrap_or_else(|error: Error| Outcome::Failed { reason: error.to_string() })
}
