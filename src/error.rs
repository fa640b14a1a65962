//! The one error type of the crate: every variant carries the names and numbers a user needs.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::{Remedy, Shown};

/// Everything that can go wrong, from reading a file to a dispatch on the GPU.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written by the operating system.
    #[error("cannot {action} {}: {source}", Shown(path.display()))]
    Io {
        /// What was attempted ("read", "write", ...).
        action: &'static str,
        /// The file or directory concerned.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },

    // Image files and frames.
    /// A file is no image, or one of a kind that is not read.
    #[error("cannot read {}: {reason}", Shown(path.display()))]
    ImageUnsupported {
        /// The file.
        path: PathBuf,
        /// What it is instead, and what to do.
        reason: String,
    },
    /// A part of an image file is missing.
    #[error("cannot read {}: {reason}; get a whole copy of the file", Shown(path.display()))]
    ImageCutShort {
        /// The file.
        path: PathBuf,
        /// What is missing.
        reason: String,
        /// Whether a part of it is read with [`ReadOptions::keep_damaged`](crate::image::ReadOptions::keep_damaged).
        salvageable: bool,
    },
    /// A decoder panicked, which is a mistake of its own and no sign of a bad file.
    #[error(
        "cannot read {}: the decoder failed on it ({reason}); please report it, and save the image as a PNG meanwhile",
        Shown(path.display())
    )]
    ImageDecoder {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// An image file is broken.
    #[error("cannot read {}: {reason}; get another copy of the file", Shown(path.display()))]
    ImageDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// Whether a part of it is read with [`ReadOptions::keep_damaged`](crate::image::ReadOptions::keep_damaged).
        salvageable: bool,
    },
    /// An image file claims more pixels than are read.
    #[error(
        "cannot read {}: it claims {width} x {height} pixels and the limit is {limit} in all; \
         scale it down or cut it up first",
        Shown(path.display())
    )]
    ImageTooLarge {
        /// The file.
        path: PathBuf,
        /// The width it claims, in pixels.
        width: u64,
        /// The height it claims, in pixels.
        height: u64,
        /// The most pixels an image may have.
        limit: u64,
    },
    /// Nothing can be written to this path, or not this image.
    #[error("cannot write {}: {reason}", Shown(path.display()))]
    Unwritable {
        /// The output file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// Samples do not fit the frame they are for.
    #[error("the samples do not fit the image: {reason}")]
    FrameShape {
        /// What does not fit.
        reason: String,
    },
    /// Pictures that cannot be put into one strip.
    #[error("cannot put the pictures side by side: {reason}")]
    Strip {
        /// What stands in the way.
        reason: String,
    },
    /// A photo that cannot be restored.
    #[error("cannot restore {}: {source}", Shown(path.display()))]
    Unrestored {
        /// The photo.
        path: PathBuf,
        /// Why.
        source: Box<Error>,
    },
    /// Inputs and outputs that do not go together.
    #[error("{reason}")]
    Jobs {
        /// Which, and what to do.
        reason: String,
        /// The setting that decides what becomes of them, where one would.
        remedy: Option<Remedy>,
    },
    // End of image files and frames.
    /// A stream is no video, or one of a kind that is not read, or is cut short.
    #[error("cannot read the video from {}: {reason}", Shown(origin))]
    Video {
        /// The file, or what else the stream came from.
        origin: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    // Metrics and their folders.
    /// An image and its target are not of one size.
    #[error(
        "the image has {width} x {height} pixels and its target {target_width} x {target_height}; \
         give both the same size"
    )]
    SizesDiffer {
        /// The image's width, in pixels.
        width: u32,
        /// The image's height, in pixels.
        height: u32,
        /// The target's width, in pixels.
        target_width: u32,
        /// The target's height, in pixels.
        target_height: u32,
    },
    /// An image without room for one window of SSIM.
    #[error("SSIM of luma needs 11 pixels a side and the image has {width} x {height}; choose larger images")]
    TooSmallForSsim {
        /// The image's width, in pixels.
        width: u32,
        /// The image's height, in pixels.
        height: u32,
    },
    /// An image file that cannot be compared with its target.
    #[error("cannot score {}: {source}", Shown(path.display()))]
    Unscored {
        /// The image.
        path: PathBuf,
        /// Why.
        source: Box<Error>,
    },
    /// Folders of images that do not go together.
    #[error("cannot use the images in {}: {reason}", Shown(path.display()))]
    ImageFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
        /// The setting with which there would be some, where one would help.
        remedy: Option<Remedy>,
    },

    // Conformance.
    /// A folder or file of golden tensors does not hold what is checked with.
    #[error("cannot check with {}: {reason}", Shown(path.display()))]
    Golden {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A report of earlier checks cannot be read.
    #[error("cannot read the report {}: {reason}", Shown(path.display()))]
    Report {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    // Model and graph.
    /// A weights file is damaged or of no kind that is read.
    #[error("cannot read weights from {}: {reason}", Shown(origin))]
    WeightsFile {
        /// The file, or what else the bytes came from.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A weights file holds another network, or an incomplete one.
    #[error("the weights in {} are not those of an MPRNet: {source}", Shown(origin))]
    Weights {
        /// The file, or what else the weights came from.
        origin: String,
        /// Which key does not fit.
        source: Box<Error>,
    },
    /// A parameter that the configuration needs is not there.
    #[error("{key} is missing")]
    MissingKey {
        /// The key.
        key: String,
    },
    /// A parameter that the configuration does not have.
    #[error("{key} is not a parameter of this configuration")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A parameter of another shape than its configuration gives it.
    #[error("{key} has shape {found:?} where {expected} fits")]
    Misshapen {
        /// The key.
        key: String,
        /// Its shape.
        found: Vec<usize>,
        /// What would fit.
        expected: String,
    },
    /// A parameter whose values cannot be used.
    #[error("{key} {reason}")]
    Values {
        /// The key.
        key: String,
        /// What is wrong with them.
        reason: String,
    },
    /// A network wider than the kernels are made for.
    #[error("the network is {channels} channels wide; up to {limit} are supported")]
    TooWide {
        /// Its widest tensor.
        channels: u32,
        /// The limit.
        limit: u32,
    },
    /// More parameters than are read.
    #[error("the network has {parameters} parameters; up to {limit} are supported")]
    TooManyParameters {
        /// Its parameters.
        parameters: usize,
        /// The limit.
        limit: usize,
    },
    /// Sides that cannot be padded for the network.
    #[error(
        "no photo is {width}x{height}: sides are positive, and fit in 32 bits as multiples of {multiple}"
    )]
    Size {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// What they are padded to multiples of.
        multiple: u32,
    },
    /// A [`Mode`](crate::model::Mode) that there is not, whose parts do not go together, or that no training of the network
    /// allows.
    #[error("{0}")]
    Mode(String),
    /// A tensor name that is none of the graph's.
    #[error("the network has no tensor named {name}")]
    UnknownTensor {
        /// The name asked for.
        name: String,
    },
    /// Input data that does not fit the graph.
    #[error("input does not fit: {0}")]
    Input(String),
    /// The inputs of an operator do not fit it.
    #[error("{op} at {node}: {reason}")]
    Shape {
        /// The node's name.
        node: String,
        /// The operator.
        op: &'static str,
        /// What does not fit.
        reason: String,
    },

    // Plan and GPU.
    /// A tensor of which not even a strip fits the device's limits.
    #[error(
        "{tensor} takes {bytes} bytes, and not even a strip of it fits the device's limit of {limit} bytes; restore a \
         smaller photo"
    )]
    TensorTooLarge {
        /// The tensor.
        tensor: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Less memory is free on the device than is needed.
    #[error(
        "the GPU ran out of memory while {during}, which takes {} MiB; close what else uses the GPU, or restore a \
         smaller photo",
        bytes.div_ceil(1 << 20)
    )]
    OutOfMemory {
        /// What was being done.
        during: Cow<'static, str>,
        /// How many bytes that takes.
        bytes: u64,
    },
    /// Less memory is free on the host than what passes between the bands of a photo takes, where there are no files.
    #[error(
        "what passes between the bands of the photo takes {} MiB of the host's memory, which are not there; restore a \
         smaller photo",
        bytes.div_ceil(1 << 20)
    )]
    HostMemory {
        /// How many bytes that takes.
        bytes: u64,
    },
    /// A memory budget in which not even the narrowest bands of a photo can be computed.
    #[error(
        "the photo needs at least {} of the device's memory, and {} are allowed",
        crate::shown::at_least(*least),
        crate::shown::at_most(*budget)
    )]
    BudgetTooSmall {
        /// Bytes that were allowed.
        budget: u64,
        /// Bytes that the smallest plan found takes.
        least: u64,
    },
    /// A row of cells too wide for one dispatch.
    #[error("the photo is too wide: a dispatch takes {workgroups} workgroups, the device allows {limit}")]
    TooManyWorkgroups {
        /// Workgroups.
        workgroups: u32,
        /// The limit.
        limit: u32,
    },
    /// A weight that f16 cannot hold.
    #[error("{what} holds values past f16's range of 65,504")]
    PrecisionTooLow {
        /// The parameters.
        what: String,
    },
    /// The network gave something that is no number.
    #[error("the result is not finite: {0}")]
    NotFinite(Cow<'static, str>),
    /// No adapter can run compute shaders.
    #[error("{NO_ADAPTER}")]
    NoAdapter,
    /// No adapter of that index or name.
    #[error("no adapter matches {wanted}; there are: {known}")]
    UnknownDevice {
        /// What was asked for.
        wanted: String,
        /// The adapters' names.
        known: String,
    },
    /// A shader that cannot be linked or compiled.
    #[error("cannot build the kernel {kernel}: {reason}")]
    Shader {
        /// The kernel.
        kernel: String,
        /// The linker's or compiler's text.
        reason: String,
    },
    /// A shader in a file that cannot take the place of one of this crate's.
    #[error("the shader in {} cannot be used: {reason}", Shown(path.display()))]
    ShaderFile {
        /// The file.
        path: PathBuf,
        /// The compiler's text, or what else is wrong.
        reason: String,
    },
    /// Somebody has ended the work with [`Cancel`](crate::Cancel).
    #[error("the work was cancelled")]
    Cancelled,
    /// A panic, which is a mistake of this crate, of what it is made of, or of the program that uses it.
    #[error("the work on it failed by a bug, of mprnet or of the program that uses it: {0}")]
    Panicked(String),
    /// The driver reports an error.
    #[error("the GPU failed while {during}: {reason}")]
    Gpu {
        /// What was being done.
        during: Cow<'static, str>,
        /// The driver's text.
        reason: String,
    },
}

/// Result with the crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

const NO_ADAPTER: &str = if cfg!(target_family = "wasm") {
    "the browser gives no GPU adapter: its hardware acceleration may be switched off, or WebGPU is"
} else {
    "no GPU adapter was found: install a Vulkan driver (such as lavapipe) or check WGPU_BACKEND"
};
