//! What a photo's graph depends on, and what it is made of.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::RestorerOptions;
use crate::Result;
use crate::engine::{Ends, Values, WeightStore};
use crate::gpu::Device;
use crate::graph::{Graph, passes};
use crate::image::{Frame, Samples};
use crate::model::{self, FeaturePeaks, ImageFormat, NetworkOptions, Weights};
use crate::plan::Precision;

/// What the graph for a photo depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key {
    /// Which network of those that follow one another.
    pub(super) network: usize,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) format: ImageFormat,
    pub(super) precision: Precision,
}

impl Key {
    pub(super) fn size(self) -> [u32; 2] {
        [self.width, self.height]
    }

    /// Whether it may be computed in bands: images of the device stay there.
    pub(super) fn may_pass_through_host(self) -> bool {
        !matches!(self.format, ImageFormat::Pixels { .. })
    }
}

/// What executors are made of.
pub(super) struct Model {
    /// Which network of those that follow one another it is.
    pub(super) place: usize,
    pub(super) device: Device,
    pub(super) weights: Weights,
    pub(super) options: RestorerOptions,
    pub(super) store: WeightStore,
    /// How large features become, once f16 has needed it.
    pub(super) peaks: OnceLock<FeaturePeaks>,
    /// Whether f16 has turned out not to hold this model.
    pub(super) too_large: AtomicBool,
    /// Whether a photo was restored in f32 for which f16 was too narrow.
    pub(super) widened: AtomicBool,
    /// Whether it was told that f32 stands in for f16 in place of peaks.
    pub(super) told: AtomicBool,
}

impl Model {
    pub(super) fn new(place: usize, device: Device, weights: Weights, options: RestorerOptions) -> Self {
        Self {
            place,
            device: device.apart(),
            weights,
            options,
            store: WeightStore::default(),
            peaks: OnceLock::new(),
            too_large: AtomicBool::new(false),
            widened: AtomicBool::new(false),
            told: AtomicBool::new(false),
        }
    }

    pub(super) fn precision(&self) -> Precision {
        if self.too_large.load(Ordering::Relaxed) { Precision::F32 } else { self.options.precision }
    }

    /// What the graph for a photo depends on.
    pub(super) fn key(&self, photo: &Frame) -> Key {
        self.key_of([photo.width(), photo.height()], ImageFormat::of(photo.samples().depth()))
    }

    /// The same, for a photo of which so much is known.
    pub(super) fn key_of(&self, [width, height]: [u32; 2], format: ImageFormat) -> Key {
        Key { network: self.place, width, height, format, precision: self.precision() }
    }

    /// The graph as the network is defined.
    pub(super) fn defined(&self, key: Key, keep: &[String]) -> Result<Graph> {
        let Key { width, height, format, .. } = key;
        let RestorerOptions { stage, mode, .. } = self.options;
        let options = NetworkOptions { width, height, format, stage, mode, keep: keep.to_vec() };
        model::build(&self.weights, &options)
    }

    /// The graph to execute, and the powers of two that its tensors are computed times.
    pub(super) fn graph(&self, key: Key, keep: &[String]) -> Result<(Graph, Vec<i32>)> {
        let Key { width, height, precision, .. } = key;
        let mut graph = self.defined(key, keep)?;
        if self.options.passes {
            graph = passes::optimize(graph)?;
        } else {
            passes::drop_dead(&mut graph);
        }
        let exponents = match self.peaks.get() {
            Some(peaks) if precision == Precision::F16 => peaks.fit(&mut graph),
            _ => vec![0; graph.tensor_count()],
        };
        tracing::debug!(width, height, operators = graph.nodes().len(), "built the graph");
        Ok((graph, exponents))
    }
}

/// What a network sees.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    /// A photo of the host.
    Photo(&'a Frame),
    /// An image of the device, with the one that its result goes to.
    OnDevice(&'a Ends<'a>),
}

impl Seen<'_> {
    /// What the graph takes from the host.
    pub(super) fn inputs(self) -> Result<Vec<Values>> {
        Ok(match self {
            Self::OnDevice(_) => Vec::new(),
            Self::Photo(photo) => vec![match photo.samples() {
                Samples::U8(_) => Values::Words(photo.to_words()?),
                Samples::U16(_) | Samples::F32(_) => Values::Planar(photo.to_planar()),
            }],
        })
    }

    pub(super) fn ends(&self) -> Option<&Ends<'_>> {
        match self {
            Self::Photo(_) => None,
            Self::OnDevice(ends) => Some(ends),
        }
    }
}
