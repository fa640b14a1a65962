//! From what was asked for to jobs.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use super::distinct::{CASE_IS_IGNORED, Identity, check_distinct};
use super::{Job, Place, make_directory};
use crate::image::{self, FileFormat, ListOptions, WriteOptions};
use crate::model::Stage;
use crate::output::names_directory;
use crate::{Error, Remedy, Result, Shown, output};

/// What stands for a standard stream.
const STREAM: &str = "-";

/// What becomes of outputs that are there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existing {
    /// In a directory they are an error; a single file that is named is replaced.
    #[default]
    Refuse,
    /// They stay, and their photos are left alone.
    Skip,
    /// They are replaced.
    Replace,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Files, directories, or `-` for standard input.
    pub inputs: Vec<PathBuf>,
    /// A file for a single photo, a directory for several or for those of one, or `-` for standard output.
    pub output: &'a Path,
    /// Directories are taken with what is in those below; the tree becomes one of the same shape.
    pub recursive: bool,
    /// What names in a directory get before their extension.
    pub suffix: &'a str,
    /// What becomes of outputs that are there already.
    pub existing: Existing,
    /// How photos are written.
    pub write: WriteOptions,
    /// Files that are read besides.
    pub also_read: Vec<&'a Path>,
    /// Files that are written besides.
    pub also_written: Vec<&'a Path>,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Jobs {
    /// Photos to restore, in natural order of their names.
    pub jobs: Vec<Job>,
    /// Photos whose outputs are there already.
    pub skipped: Vec<Job>,
    /// How many files of directories are no images.
    pub others: usize,
    /// Why inputs cannot be listed.
    pub failures: Vec<Error>,
    /// The directory that outputs go to, if it is one.
    directory: Option<PathBuf>,
}

/// An input.
struct Found {
    place: Place,
    /// What it is called in a directory that it goes to.
    name: PathBuf,
}

impl Request<'_> {
    /// Lists directories, once, and pairs every photo with its output.
    ///
    /// # Errors
    /// [`Error::Jobs`] where what was asked for does not go together.
    pub fn plan(&self) -> Result<Jobs> {
        let mut jobs = Jobs::default();
        let found = self.find(&mut jobs);
        let listed = self.inputs.iter().any(|input| input.is_dir());
        if self.output == Path::new(STREAM) {
            jobs.jobs = vec![self.to_stream(&found, listed)?];
        } else if let [one] = &found[..]
            && !listed
            && !self.output.is_dir()
            && !names_directory(self.output)
        {
            self.check_suffix(false)?;
            jobs.jobs = vec![self.job(one, Place::File(self.output.to_owned()))];
        } else if !found.is_empty() {
            self.check_directory(found.len(), listed)?;
            jobs.directory = Some(self.output.to_owned());
            jobs.jobs = found.iter().map(|found| self.in_directory(found)).collect::<Result<_>>()?;
        }
        if listed && !self.suffix.is_empty() {
            drop_results(&mut jobs.jobs);
        }
        check_distinct(&jobs.jobs, &self.also_read, &self.also_written)?;
        self.settle_existing(&mut jobs)?;
        Ok(jobs)
    }

    fn find(&self, jobs: &mut Jobs) -> Vec<Found> {
        let mut found = Vec::new();
        // Results are no inputs, unless they go beside these.
        let options = ListOptions { recursive: self.recursive, except: Some(self.output) };
        for input in &self.inputs {
            if input == Path::new(STREAM) {
                found.push(Found { place: Place::Input, name: PathBuf::new() });
            } else if input.is_dir() {
                match image::list_with(input, &options) {
                    Ok(listing) => {
                        jobs.others += listing.others;
                        jobs.failures.extend(listing.failures);
                        found.extend(listing.images.into_iter().map(|path| Found::listed(path, input)));
                    }
                    Err(error) => jobs.failures.push(error),
                }
            } else {
                let name = input.file_name().map_or_else(PathBuf::new, PathBuf::from);
                found.push(Found { place: Place::File(input.clone()), name });
            }
        }
        found
    }

    fn job(&self, found: &Found, output: Place) -> Job {
        let (input, name) = (found.place.clone(), found.name.clone());
        Job { input, name, output, write: self.write, makes_directories: false }
    }

    fn to_stream(&self, found: &[Found], listed: bool) -> Result<Job> {
        let [one] = found else {
            return refuse(format!("standard output takes one photo, and there are {}", found.len()));
        };
        if listed {
            return refuse("a directory cannot become standard output; name a photo");
        }
        if self.write.format.is_none() {
            let reason = "standard output has no name that tells the format, which must be given".to_owned();
            return Err(Error::Jobs { reason, remedy: Some(Remedy::SayFormat) });
        }
        self.check_suffix(false)?;
        Ok(self.job(one, Place::Output))
    }

    fn check_suffix(&self, directory: bool) -> Result<()> {
        if self.suffix.contains(std::path::is_separator) {
            return refuse("a suffix is a part of a name, and cannot lead to another directory");
        }
        if directory || self.suffix.is_empty() {
            return Ok(());
        }
        refuse("a suffix is for names in a directory, and a single output has the name that it was given")
    }

    /// Finds out whether the output may be a directory.
    fn check_directory(&self, count: usize, listed: bool) -> Result<()> {
        self.check_suffix(true)?;
        if self.output.is_dir() {
            return Ok(());
        }
        let who = match (listed, count) {
            (true, _) => "photos from a directory need an output directory".to_owned(),
            (false, 1) => "the photo is to go into a directory".to_owned(),
            (false, _) => format!("{count} photos need a directory to go to"),
        };
        let shown = Shown(self.output.display());
        if self.output.exists() {
            return refuse(format!("{who}, and {shown} is none; choose another output"));
        }
        if FileFormat::from_path(self.output).is_some() && !names_directory(self.output) {
            return refuse(format!(
                "{who}, and {shown} looks like a file; create that directory first if it is meant"
            ));
        }
        Ok(())
    }

    /// A photo that goes into a directory under its own name, which ends as a format that is asked for wants it. Under
    /// a name that tells no format it stays what it is.
    fn in_directory(&self, found: &Found) -> Result<Job> {
        if found.name.file_name().is_none() {
            let input = Shown(found.place.path().display());
            return refuse(format!(
                "{input} has no name for a directory; give the output the name of a file"
            ));
        }
        let output = self.output.join(self.renamed(&found.name));
        let mut job = self.job(found, Place::File(output));
        job.makes_directories = true;
        if job.format().is_none() {
            job.write.format = found.place.file().and_then(FileFormat::of_file);
        }
        // Of photos of several formats, those that can.
        job.write.float &= job.format().is_none_or(|format| format == FileFormat::Tiff);
        Ok(job)
    }

    fn renamed(&self, name: &Path) -> PathBuf {
        let named = FileFormat::from_path(name);
        let mut renamed = name.to_owned();
        if named.is_some() {
            renamed.set_extension("");
        }
        renamed.as_mut_os_string().push(self.suffix);
        let asked = self.write.format.filter(|&format| named != Some(format));
        let kept = name.extension().filter(|_| named.is_some());
        if let Some(extension) = asked.map(|format| format.extension().as_ref()).or(kept) {
            renamed.as_mut_os_string().push(".");
            renamed.as_mut_os_string().push(extension);
        }
        renamed
    }

    /// Sorts out the jobs whose outputs are there, or refuses them.
    fn settle_existing(&self, jobs: &mut Jobs) -> Result<()> {
        let there = |job: &Job| job.output.file().is_some_and(Path::is_file);
        match self.existing {
            Existing::Skip => {
                (jobs.skipped, jobs.jobs) = std::mem::take(&mut jobs.jobs).into_iter().partition(there);
            }
            Existing::Refuse if jobs.directory.is_some() => {
                let existing: Vec<&Job> = jobs.jobs.iter().filter(|job| there(job)).collect();
                if let [first, rest @ ..] = &existing[..] {
                    let first = Shown(first.output.path().display());
                    let more = match rest.len() {
                        0 => "exists already".to_owned(),
                        1 => "and one more exist already".to_owned(),
                        count => format!("and {count} more exist already"),
                    };
                    let reason = format!("{first} {more}");
                    return Err(Error::Jobs { reason, remedy: Some(Remedy::SayExisting) });
                }
            }
            Existing::Refuse | Existing::Replace => {}
        }
        Ok(())
    }
}

impl Found {
    fn listed(path: PathBuf, directory: &Path) -> Self {
        let name = path.strip_prefix(directory).unwrap_or(&path).to_owned();
        Self { place: Place::File(path), name }
    }
}

impl Jobs {
    /// Makes the directory that outputs go to, and removes what runs that were killed have left of theirs.
    ///
    /// # Errors
    /// [`Error::Io`] where the directory cannot be made.
    pub fn prepare(&self) -> Result<()> {
        if let Some(directory) = self.directory.as_deref().filter(|_| !self.jobs.is_empty()) {
            make_directory(directory)?;
        }
        let outputs = self.jobs.iter().chain(&self.skipped).filter_map(|job| job.output.file());
        let directories: BTreeSet<&Path> = outputs.map(output::directory).collect();
        for directory in directories {
            let removed = output::remove_leftovers(directory);
            if removed > 0 {
                tracing::info!(removed, directory = %directory.display(), "leftovers of runs that were killed");
            }
        }
        Ok(())
    }

    /// The directory that outputs go to, if it is one.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }
}

/// Where results go beside their inputs, an earlier run's results are no inputs, nor the images of stages beside those.
fn drop_results(jobs: &mut Vec<Job>) {
    let identity = |place: &Place| place.file().map(|path| Identity::of(path, CASE_IS_IGNORED));
    let stages: Vec<Job> = Stage::EARLIER
        .iter()
        .flat_map(|stage| jobs.iter().filter_map(|job| job.beside(stage.image())))
        .collect();
    let results: HashSet<Identity> =
        jobs.iter().chain(&stages).filter_map(|job| identity(&job.output)).collect();
    jobs.retain(|job| identity(&job.input).is_none_or(|input| !results.contains(&input)));
}

fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(Error::Jobs { reason: reason.into(), remedy: None })
}
