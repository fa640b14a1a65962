//! Which file each photo becomes, decided and checked before anything is computed.

use std::path::{Path, PathBuf};

use mprnet::image;

use super::Failure;

/// A photo and the file it becomes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) input: PathBuf,
    pub(super) output: PathBuf,
}

/// Pairs inputs with outputs: one photo goes to the file `out`, or into the directory of that name under its own
/// name; several go into a directory.
pub(super) fn jobs(inputs: &[PathBuf], out: &Path) -> Result<Vec<Job>, Failure> {
    let into_directory = out.is_dir() || inputs.len() > 1;
    if into_directory && !out.is_dir() {
        let text = format!("{} photos need a directory to go to, and {} is none; make it first", inputs.len(), out.display());
        return Err(Failure::Usage(text));
    }
    let mut jobs: Vec<Job> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let output = match input.file_name() {
            Some(name) if into_directory => out.join(name),
            _ => out.to_owned(),
        };
        if let Some(twin) = jobs.iter().find(|job| same_file(&job.output, &output)) {
            let (a, b) = (twin.input.display(), input.display());
            let text = format!("{a} and {b} would both become {}; restore them to two directories", output.display());
            return Err(Failure::Usage(text));
        }
        if same_file(input, &output) {
            let text = format!("{} would overwrite its own input; choose another output", output.display());
            return Err(Failure::Usage(text));
        }
        jobs.push(Job { input: input.clone(), output });
    }
    if let [job] = &jobs[..] {
        image::check_output(&job.output)?;
    }
    Ok(jobs)
}

/// Whether two paths are one file, or would be if it existed.
fn same_file(a: &Path, b: &Path) -> bool {
    let resolved = |path: &Path| {
        path.canonicalize().or_else(|e| {
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Ok(parent.canonicalize()?.join(path.file_name().ok_or(e)?))
        })
    };
    let same = |a: std::io::Result<PathBuf>, b: std::io::Result<PathBuf>| matches!((a, b), (Ok(a), Ok(b)) if a == b);
    a == b || same(resolved(a), resolved(b))
}
