//! `mprnet eval`: photos are restored and scored against what they should be.

mod report;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::image::{self, Frame};
use crate::metrics::{self, Protocol, Score};
use crate::model::Task;
use crate::pool::{self, Pool, PoolOptions};
use crate::{Cancel, Error, Restorer, Shown, job, output};
use clap::{Args, ValueEnum};

use self::report::{Failed, Format, Report, Row};
use super::compare::Comparison;
use super::formats::ReadArgs;
use super::gallery::{Gallery, Picture, Target};
use super::mishap::{Mishap, attempt};
use super::pairs::{self, Pair};
use super::session::{DEVICES, Model, SessionArgs, Used, attempt_with_adapter};
use super::telling::with_bar;
use super::{Failure, dump, parse_task, say};

#[derive(Args)]
#[command(mut_arg("device", |arg| arg.help(DEVICES)))]
pub(super) struct EvalArgs {
    /// Photos to restore: a directory of PNG, JPEG, WebP or TIFF files
    #[arg(value_name = "INPUT_DIR")]
    inputs: PathBuf,
    /// The photos as they should look: a directory of files with the same names (extensions may differ)
    #[arg(value_name = "TARGET_DIR")]
    targets: PathBuf,
    /// Includes subdirectories
    #[arg(short, long)]
    recursive: bool,
    /// derain, denoise or deblur: chooses the model in this program and the protocol; default: the task of --model,
    /// else denoise
    #[arg(long, value_parser = parse_task)]
    task: Option<Task>,
    /// Weights file (safetensors or PyTorch), or derain, denoise or deblur for the models in this program; default:
    /// the model for --task
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Which samples are compared; default: as in the paper, y for derain, else rgb
    #[arg(long, value_enum)]
    protocol: Option<ProtocolArg>,
    /// Format of the scores; default: by the extension of --output, else a table
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Writes the scores to a file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also writes a strip of every photo into a directory that exists: input, output and target side by side
    #[arg(long, value_name = "DIR")]
    compare: Option<PathBuf>,
    /// Replaces existing strips in the directory of --compare
    #[arg(long, requires = "compare")]
    overwrite: bool,
    /// Also writes a page that shows every photo before and after, with a slider and a loupe; restored photos go into
    /// the directory PAGE_files beside it
    #[arg(long, value_name = "PAGE.html")]
    report: Option<PathBuf>,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    session: SessionArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProtocolArg {
    /// All three colours
    Rgb,
    /// Luma only
    Y,
}

impl ProtocolArg {
    fn protocol(self) -> Protocol {
        match self {
            Self::Rgb => Protocol::Rgb,
            Self::Y => Protocol::Y,
        }
    }
}

pub(super) fn run(args: &EvalArgs, quiet: bool) -> Result<(), Failure> {
    args.session.network.mode.check()?;
    let pairs = pairs::find(&args.inputs, &args.targets, args.recursive)?;
    let model = args.model.as_deref().map_or(Model::Embedded(args.task.unwrap_or(Task::Denoise)), Model::of);
    check(args, &pairs, model)?;
    let weights = model.read(quiet)?;
    let task = args.task.or(weights.provenance().task).unwrap_or(Task::Denoise);
    let protocol = args.protocol.map_or_else(|| Protocol::of(task), ProtocolArg::protocol);
    let members = args.session.members(std::slice::from_ref(&weights), true, quiet)?;
    let mut pool = Pool::new(members).with_options(PoolOptions { ordered: true, ..PoolOptions::default() });
    let mut gallery = args.report.as_deref().map(|page| Gallery::new(page, protocol));
    let scoring = Scoring { args, protocol, quiet, total: pairs.len(), used: Used::default() };
    let Outcomes { rows, failed, worst, ended } = scoring.evaluate_all(&pairs, &mut pool, &mut gallery);
    // A run that ended before it began leaves an earlier one's page as it is.
    let gallery = gallery.filter(|_| !ended || !rows.is_empty());
    if !failed.is_empty() && !rows.is_empty() && !quiet {
        say(format_args!("the means are over {} of {} images", rows.len(), pairs.len()));
    }
    let precision = scoring.used.precision(&args.session.network);
    let mode = args.session.network.mode.name();
    let report = Report { task, model: model.to_string(), protocol, precision, mode, rows, failed };
    let format = args.format.unwrap_or_else(|| Format::of(args.output.as_deref()));
    // Programs are told of photos without scores too, and find no earlier run's scores in their place.
    if !report.rows.is_empty() || !matches!(format, Format::Table) || args.output.is_some() {
        dump::deliver(report.render(format), args.output.as_deref())?;
    }
    if let Some(gallery) = gallery {
        gallery.write("Photos before and after", &args.session.settings(&[model], &scoring.used))?;
    }
    if worst > 0 { Err(Failure::Reported(worst)) } else { Ok(()) }
}

/// Finds out whether everything that is asked for can be written without overwriting what is read.
fn check(args: &EvalArgs, pairs: &[Pair], model: Model<'_>) -> Result<(), Failure> {
    let read: Vec<&Path> = pairs.iter().flat_map(Pair::paths).chain(model.file()).collect();
    let files = restored_folder(args);
    let folders = [args.compare.as_deref(), files.as_deref()];
    let pictures =
        |folder: Option<&Path>| pairs.iter().filter_map(move |pair| png_in(folder, pair)).collect();
    let pictures: [Vec<PathBuf>; 2] = folders.map(pictures);
    let written = args.output.iter().chain(&args.report).chain(pictures.iter().flatten());
    let written: Vec<&Path> = written.map(PathBuf::as_path).collect();
    job::check_distinct(&[], &read, &written)?;
    folders.into_iter().flatten().for_each(|folder| _ = output::remove_leftovers(folder));
    if let Some(directory) = args.compare.as_deref().filter(|directory| !directory.is_dir()) {
        let text = format!("--compare takes a directory, and {} is none; make it first", directory.display());
        return Err(Failure::Usage(text));
    }
    if let Some(there) = pictures[0].iter().find(|path| path.is_file() && !args.overwrite) {
        let text = format!("{} exists already; --overwrite replaces it", Shown(there.display()));
        return Err(Failure::Usage(text));
    }
    if let Some(files) = files.filter(|files| files.exists() && !files.is_dir()) {
        let text = format!("{} is no directory, and restored photos are to go there", files.display());
        return Err(Failure::Usage(text));
    }
    dump::check_name("--report", "a web page", &["html", "htm"], args.report.as_deref())?;
    dump::check_name("-o", "scores", &["csv", "json", "md", "txt"], args.output.as_deref())?;
    let results = args.output.iter().filter(|path| !dump::is_standard(path)).chain(&args.report);
    results.map(PathBuf::as_path).try_for_each(dump::check).map_err(Failure::Error)
}

/// Where a picture about a photo goes, if into any folder.
fn png_in(folder: Option<&Path>, pair: &Pair) -> Option<PathBuf> {
    let mut name = pair.place.with_extension("");
    name.as_mut_os_string().push(".png");
    Some(folder?.join(name))
}

/// The folder of the restored photos that the page links to, if there is to be one.
fn restored_folder(args: &EvalArgs) -> Option<PathBuf> {
    let page = args.report.as_ref()?;
    let mut name = page.file_stem()?.to_owned();
    name.push("_files");
    Some(page.with_file_name(name))
}

/// What became of all photos.
#[derive(Default)]
struct Outcomes {
    rows: Vec<Row>,
    failed: Vec<Failed>,
    /// The highest exit code of those that failed.
    worst: u8,
    /// Whether the run ended early, since there is no device, or none is left.
    ended: bool,
}

impl Outcomes {
    /// Photos have failed by one and the same.
    fn fail(&mut self, pairs: &[&Pair], mishap: &Mishap, gallery: &mut Option<Gallery<'_>>) {
        mishap.report();
        self.worst = self.worst.max(mishap.code);
        gallery.iter_mut().for_each(|gallery| gallery.add_failed(&mishap.text));
        let failed = |pair: &&Pair| Failed { name: pair.name(), reason: mishap.text.clone() };
        self.failed.extend(pairs.iter().map(failed));
    }
}

/// The work on photos, as a pool does it.
struct Scoring<'a> {
    args: &'a EvalArgs,
    protocol: Protocol,
    quiet: bool,
    total: usize,
    used: Used,
}

/// What is left to tell of a photo.
struct Scored<'a> {
    row: Row,
    /// For the page, if there is one.
    shown: Option<(Photo<'a>, Frame)>,
}

impl<'a> Scoring<'a> {
    fn evaluate_all(
        &self,
        pairs: &'a [Pair],
        pool: &mut Pool,
        gallery: &mut Option<Gallery<'_>>,
    ) -> Outcomes {
        let (mut outcomes, mut told) = (Outcomes::default(), HashSet::new());
        let done = pool.run(self, pairs.iter().enumerate(), &Cancel::new(), |(index, pair), scored| {
            told.insert(index);
            match scored.and_then(|scored| scored.show(pair, gallery)) {
                Ok(row) => outcomes.rows.push(row),
                Err(mishap) => outcomes.fail(&[pair], &mishap, gallery),
            }
        });
        if let Err(mishap) = done {
            let left = pairs.iter().enumerate().filter(|(index, _)| !told.contains(index));
            outcomes.fail(&left.map(|(_, pair)| pair).collect::<Vec<_>>(), &mishap, gallery);
            outcomes.ended = true;
        }
        outcomes
    }
}

impl<'a> pool::Work for Scoring<'a> {
    type Job = (usize, &'a Pair);
    type Photo = Photo<'a>;
    type Restored = Frame;
    type Saved = Scored<'a>;
    type Error = Mishap;

    fn load(&self, &mut (_, pair): &mut Self::Job) -> Result<Photo<'a>, Mishap> {
        attempt(&pair.input, || Photo::read(self.args, pair, self.protocol))
    }

    fn restore(
        &self,
        restorer: &Restorer,
        &(index, pair): &Self::Job,
        photo: &Photo<'a>,
        cancel: &Cancel,
    ) -> Result<Frame, Mishap> {
        let title = format!("{}/{} {}", index + 1, self.total, pair.name());
        let about = |source| Error::Unrestored { path: pair.input.clone(), source: Box::new(source) };
        let restored = attempt_with_adapter(&pair.input, || {
            with_bar(title, self.quiet, |progress| {
                restorer.photo(&photo.input).cancelled_by(cancel).progress(progress).restore().map_err(about)
            })
        })?;
        self.used.note(restorer);
        Ok(restored)
    }

    fn save(&self, (_, pair): &Self::Job, photo: Photo<'a>, restored: Frame) -> Result<Scored<'a>, Mishap> {
        let row = attempt(&pair.input, || photo.save(&restored))?;
        Ok(Scored { row, shown: self.args.report.is_some().then_some((photo, restored)) })
    }
}

impl Scored<'_> {
    /// Puts it on the page.
    fn show(self, pair: &Pair, gallery: &mut Option<Gallery<'_>>) -> Result<Row, Mishap> {
        if let (Some(gallery), Some((photo, restored))) = (gallery, self.shown) {
            attempt(&pair.input, || photo.show(&restored, self.row.after, gallery))?;
        }
        Ok(self.row)
    }
}

/// A photo that can be scored.
struct Photo<'a> {
    pair: &'a Pair,
    /// Where its strip goes, if one is asked for.
    strip: Option<PathBuf>,
    /// Where the restored photo goes, for a page to link to.
    restored: Option<PathBuf>,
    protocol: Protocol,
    input: Frame,
    target: Frame,
    before: Score,
}

impl<'a> Photo<'a> {
    /// Reads a photo and its target; finds out whether they can be compared, and the strip be written.
    fn read(args: &EvalArgs, pair: &'a Pair, protocol: Protocol) -> Result<Self, Error> {
        let strip = png_in(args.compare.as_deref(), pair);
        let restored = png_in(restored_folder(args).as_deref(), pair);
        let input = image::read_with(&pair.input, &args.read.options())?;
        let target = args.read.target(&pair.target)?;
        let unscored = |source| Error::Unscored { path: pair.input.clone(), source: Box::new(source) };
        let before = metrics::score(&input, &target, protocol).map_err(unscored)?;
        strip.as_deref().and_then(Path::parent).map_or(Ok(()), job::make_directory)?;
        let photo = Self { pair, strip, restored, protocol, input, target, before };
        photo.comparison().map_or(Ok(()), |comparison| comparison.check())?;
        Ok(photo)
    }

    fn comparison(&self) -> Option<Comparison<'_>> {
        let (photo, target) = (&self.input, Some(&self.target));
        self.strip.as_deref().map(|path| Comparison { path, photo, output_label: "output", target })
    }

    /// Scores it, and writes the pictures that are asked for.
    fn save(&self, restored: &Frame) -> Result<Row, Error> {
        let after = metrics::score(restored, &self.target, self.protocol)?;
        self.comparison().map_or(Ok(()), |comparison| comparison.write(restored))?;
        if let Some(path) = &self.restored {
            path.parent().map_or(Ok(()), job::make_directory)?;
            image::write(restored, path)?;
        }
        let (width, height) = (self.input.width(), self.input.height());
        Ok(Row { name: self.pair.name(), width, height, before: self.before, after })
    }

    /// Puts it on the page.
    fn show(&self, restored: &Frame, after: Score, gallery: &mut Gallery<'_>) -> Result<(), Error> {
        let Some(path) = &self.restored else { return Ok(()) };
        let target = Target { path: &self.pair.target, before: self.before, after };
        let [before, after] =
            [(&self.input, &self.pair.input), (restored, path)].map(|(frame, path)| Picture { frame, path });
        gallery.add(&self.pair.place, before, after, Some(target))
    }
}
