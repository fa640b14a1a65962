//! Which file each photo becomes, decided and checked before anything is computed.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use mprnet::image::{self, WriteOptions};

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
    let into_directory = out.is_dir();
    if inputs.len() > 1 && !into_directory {
        let (count, out) = (inputs.len(), out.display());
        let text = format!("{count} photos need a directory to go to, and {out} is none; make it first");
        return Err(Failure::Usage(text));
    }
    let job = |input: &PathBuf| {
        let output = match input.file_name() {
            Some(name) if into_directory => out.join(name),
            _ => out.to_owned(),
        };
        Job { input: input.clone(), output }
    };
    let jobs: Vec<Job> = inputs.iter().map(job).collect();
    if let [job] = &jobs[..] {
        image::check_output(&job.output, &WriteOptions::default())?;
    }
    Ok(jobs)
}

/// Refuses to write a file twice, or over one that is read: the photos, and `also_read`.
pub(super) fn check_distinct(
    jobs: &[Job],
    also_read: &[&Path],
    also_written: &[&Path],
) -> Result<(), Failure> {
    let photos = jobs.iter().map(|job| job.input.as_path());
    let read: HashMap<_, _> =
        photos.chain(also_read.iter().copied()).map(|path| (Identity::of(path), path)).collect();
    let restored = jobs.iter().map(|job| (job.output.as_path(), Some(job.input.as_path())));
    let mut written: HashMap<Identity, Option<&Path>> = HashMap::new();
    for (path, photo) in restored.chain(also_written.iter().map(|&path| (path, None))) {
        let shown = path.display();
        let identity = Identity::of(path);
        let text = match (read.get(&identity), written.get(&identity), photo) {
            (Some(_), _, Some(input)) if identity == Identity::of(input) => {
                format!("{shown} would overwrite its own input; choose another output")
            }
            (Some(source), ..) => {
                format!("{shown} would overwrite {}, which is read; choose another output", source.display())
            }
            (None, Some(&Some(a)), Some(b)) => {
                let (a, b) = (a.display(), b.display());
                format!("{a} and {b} would both become {shown}; restore them to two directories")
            }
            (None, Some(_), _) => {
                format!("{shown} would be written twice; choose another file for one of them")
            }
            (None, None, _) => {
                written.insert(identity, photo);
                continue;
            }
        };
        return Err(Failure::Usage(text));
    }
    Ok(())
}

/// What tells files apart, whatever links and dots lead to them.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// Device and number of a file that exists: hard links share them.
    #[cfg(unix)]
    Node(u64, u64),
    /// The path without links and dots; of a file that is yet to be, as far as its directory exists.
    Path(PathBuf),
}

impl Identity {
    fn of(path: &Path) -> Self {
        #[cfg(unix)]
        if let Ok(metadata) = std::fs::metadata(path) {
            use std::os::unix::fs::MetadataExt;
            return Self::Node(metadata.dev(), metadata.ino());
        }
        let resolved = path.canonicalize().or_else(|e| {
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Ok::<_, io::Error>(parent.canonicalize()?.join(path.file_name().ok_or(e)?))
        });
        Self::Path(resolved.unwrap_or_else(|_| path.to_owned()))
    }
}
