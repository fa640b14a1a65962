//! `--shader`: a kernel from a file beside the one that it is to replace.

use std::path::Path;

use crate::kernels::{self, Target};
use crate::{Error, Shown};

use super::kernels::{KernelArg, Outcome, Subject, check_sizes};
use super::{BenchArgs, Measured, Unmeasured, VariantArg, kernels as ladder};
use crate::cli::{Failure, reading};

/// A larger file is no shader.
const MOST_MIB: u64 = 1;

pub(super) fn run(args: &BenchArgs, path: &Path, quiet: bool) -> Measured {
    let kernel = args.kernel.unwrap_or(KernelArg::Conv3x3);
    let ([variant], [precision]) =
        (&VariantArg::expand(&args.variant, VariantArg::Auto)[..], &args.precision[..])
    else {
        return Err(Failure::Usage("--shader takes one --variant and one --precision".to_owned()));
    };
    let (variant, precision) = (*variant, precision.precision());
    let text = reading::text(path, MOST_MIB, "shader")?;
    let shipped = args.device.open(quiet)?;
    variant.check(&Target::of(&shipped, precision)).map_err(|reason| Failure::Usage(reason.to_string()))?;
    let replaced = stage(args, kernel, variant, &Target::of(&shipped, precision))?;
    let checked = args.device.open_checked()?;
    let foreign = args.device.open_checked()?.with_shader(replaced, text);
    let (mut rows, mut worst) = (Vec::new(), None);
    check_sizes(&shipped, args)?;
    for &channels in args.channels() {
        for &size in &args.size {
            let subject =
                |device, name: String| Subject { device, kernel, channels, size, precision, variant, name };
            let subjects = [
                subject(&shipped, format!("{replaced} as shipped")),
                subject(&checked, format!("{replaced}, checked")),
                subject(&foreign, Shown(path.display()).to_string()),
            ];
            let mut outcomes: Vec<Outcome<'_>> = subjects.iter().map(Subject::prepare).collect();
            if let Some(Err(reason)) = outcomes.pop_if(|last| last.is_err()) {
                return Err(blamed(reason, path).into());
            }
            let (measured, code) = ladder::measure(&subjects, outcomes, usize::from(args.rounds), quiet)?;
            rows.extend(measured);
            worst = worst.max(code);
        }
    }
    Ok((rows, worst))
}

/// The shader that is replaced: of several stages the one that is asked for.
fn stage(
    args: &BenchArgs,
    kernel: KernelArg,
    variant: VariantArg,
    target: &Target,
) -> Result<&'static str, Failure> {
    let specimen = kernel.specimen(8, [8, 8])?;
    let target = target.clone().with_choices(variant.choices().unwrap_or_default());
    let lowered = kernels::lower(specimen.graph(), &specimen.graph().nodes()[0], &target);
    let shaders: Vec<&'static str> = lowered.stages.iter().map(|stage| stage.spec.shader).collect();
    let named = shaders.iter().enumerate().map(|(i, shader)| format!("{} {shader}", i + 1));
    let listed = named.collect::<Vec<_>>().join(", ");
    match (args.stage, &shaders[..]) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::Usage(format!("choose which shader is replaced with --stage: {listed}"))),
        (Some(stage), _) => stage
            .checked_sub(1)
            .and_then(|at| shaders.get(at).copied())
            .ok_or_else(|| Failure::Usage(format!("there is no stage {stage}; there are: {listed}"))),
    }
}

/// An error that is the file's, since the shader that it replaces has none.
fn blamed(reason: Unmeasured, path: &Path) -> Error {
    match reason {
        Unmeasured::Failed(Error::Shader { reason, .. } | Error::Gpu { reason, .. }) => {
            Error::ShaderFile { path: path.to_owned(), reason }
        }
        Unmeasured::Failed(error) => error,
        Unmeasured::Refused(reason) => Error::ShaderFile { path: path.to_owned(), reason: reason.to_owned() },
    }
}
