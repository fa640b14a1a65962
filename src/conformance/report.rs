//! What the checks found: plain data that is written and read back as JSON.

use serde::{Deserialize, Serialize};

use crate::gpu::AdapterSummary;

/// The form of a [`Report`]; reports of other forms are not read.
pub const REPORT_FORMAT: u32 = 1;

/// Everything that was checked on one adapter. The names of the fields are those of the JSON, and stay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// [`REPORT_FORMAT`].
    pub format: u32,
    /// The version of this library.
    pub mprnet: String,
    /// When, by ISO 8601 in UTC; for whoever runs the checks to fill in.
    pub date: String,
    /// Operating system and architecture that the program was built for.
    pub system: String,
    /// Where.
    pub adapter: AdapterReport,
    /// Single operators and every variant of the 3x3 convolution against the CPU twin.
    pub kernels: Vec<KernelCheck>,
    /// Whole networks against the CPU twin and PyTorch.
    pub networks: Vec<NetworkCheck>,
    /// How long a photo takes.
    pub timing: Option<Timing>,
}

/// What is told of an adapter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdapterReport {
    /// Its name.
    pub name: String,
    /// Vulkan, Metal, Dx12, Gl, BrowserWebGpu or Noop.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// DiscreteGpu, IntegratedGpu, VirtualGpu, Cpu or Other.
    pub kind: String,
    /// Whether shaders run on the CPU.
    pub software: bool,
    /// Whether shaders have 16-bit floats; else two are packed in a word.
    pub f16: bool,
    /// The range of subgroup sizes, where shaders have subgroup operations.
    pub subgroups: Option<(u32, u32)>,
    /// Cooperative matrices, as `16x16x16 F16 to F32`.
    pub matrices: Vec<String>,
    /// Bytes of the largest buffer.
    pub buffer: u64,
    /// Bytes of a buffer that a shader sees at once.
    pub binding: u64,
    /// Lanes of a workgroup.
    pub lanes: u32,
    /// Bytes of memory that a workgroup shares.
    pub workgroup_memory: u32,
    /// Workgroups of a dispatch along each side.
    pub workgroups: u32,
}

impl From<&AdapterSummary> for AdapterReport {
    fn from(a: &AdapterSummary) -> Self {
        let shape = |c: &wgpu::CooperativeMatrixProperties| {
            format!("{}x{}x{} {:?} to {:?}", c.m_size, c.n_size, c.k_size, c.ab_type, c.cr_type)
        };
        Self {
            name: a.name.clone(),
            backend: a.backend.to_string(),
            driver: a.driver.clone(),
            kind: format!("{:?}", a.device_type),
            software: a.is_software(),
            f16: a.f16,
            subgroups: a.subgroups,
            matrices: a.cooperative_matrices.iter().map(shape).collect(),
            buffer: a.limits.max_buffer_size,
            binding: a.limits.max_storage_buffer_binding_size,
            lanes: a.limits.max_compute_invocations_per_workgroup,
            workgroup_memory: a.limits.max_compute_workgroup_storage_size,
            workgroups: a.limits.max_compute_workgroups_per_dimension,
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "outcome")]
#[non_exhaustive]
pub enum Outcome {
    /// It was computed.
    Measured {
        /// Relative L2 error ||a - b|| / ||b||; none where a value is not finite.
        error: Option<f64>,
        /// What the error may be.
        bound: f64,
        /// Whether three runs gave the same bytes.
        repeats: bool,
    },
    /// The adapter lacks what it needs.
    Skipped {
        /// What that is.
        reason: String,
    },
    /// It could not be computed.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// Whether nothing is wrong: the result is within its bound and repeats, or was not asked of this adapter.
    #[must_use]
    pub fn is_right(&self) -> bool {
        match self {
            Self::Measured { error, bound, repeats } => *repeats && error.is_some_and(|e| e <= *bound),
            Self::Skipped { .. } => true,
            Self::Failed { .. } => false,
        }
    }
}

/// An operator on random values, against the CPU twin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KernelCheck {
    /// The operator and its shape.
    pub operator: String,
    /// The variant that was asked for; none where the rule chose.
    pub variant: Option<String>,
    /// The precision asked for.
    pub precision: String,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// A network at one precision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NetworkCheck {
    /// Its name.
    pub network: String,
    /// Columns of the photo.
    pub width: u32,
    /// Rows of the photo.
    pub height: u32,
    /// The precision asked for.
    pub precision: String,
    /// Whether operators were fused; else the graph is as the paper has it.
    pub fused: bool,
    /// The residual `stage3 - input` against PyTorch's, and whether runs repeat.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What the error of any tensor may be.
    pub tensor_bound: f64,
    /// Every tensor that the graph computes, in order of execution.
    pub tensors: Vec<TensorCheck>,
}

/// A tensor of a network: relative L2 errors, of stage images those of their residuals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TensorCheck {
    /// Its name: a checkpoint's key without `.weight`, where one exists.
    pub name: String,
    /// The operator that gives it.
    pub operator: String,
    /// Against the CPU twin; none where a value is not finite.
    pub twin: Option<f64>,
    /// Against PyTorch's tensor of that name, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pytorch: Option<f64>,
}

impl TensorCheck {
    /// The larger of its errors, infinite where a value is not finite, and what it is against.
    #[must_use]
    pub fn farthest(&self) -> (f64, &'static str) {
        let twin = self.twin.unwrap_or(f64::INFINITY);
        match self.pytorch {
            Some(error) if error > twin => (error, "PyTorch's"),
            _ => (twin, "the CPU twin's"),
        }
    }
}

impl NetworkCheck {
    /// The tensor that is farthest from the twin or from PyTorch, or not finite.
    #[must_use]
    pub fn worst(&self) -> Option<&TensorCheck> {
        self.tensors.iter().max_by(|a, b| a.farthest().0.total_cmp(&b.farthest().0))
    }

    /// Whether the result and every tensor are within their bounds.
    #[must_use]
    pub fn is_right(&self) -> bool {
        let within = |error: f64| error <= self.tensor_bound;
        let right = |t: &TensorCheck| t.twin.is_some_and(within) && t.pytorch.is_none_or(within);
        self.outcome.is_right() && self.tensors.iter().all(right)
    }
}

/// How long restoring a photo takes, by the host's clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timing {
    /// Columns of the photo.
    pub width: u32,
    /// Rows of the photo.
    pub height: u32,
    /// Seconds until the first result, kernels compiled and weights packed; the adapter was open.
    pub first: f64,
    /// Seconds of each further result: the median.
    pub steady: f64,
    /// Seconds of the longest submission of the further results.
    pub submission: f64,
}

impl Report {
    /// What is wrong, a line each; nothing where the adapter restores right.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let kernels = self.kernels.iter().filter(|check| !check.outcome.is_right()).map(|check| {
            let variant = check.variant.as_deref().map_or(String::new(), |v| format!(", {v}"));
            format!("{}{variant}, {}: {}", check.operator, check.precision, told(&check.outcome))
        });
        let networks = self.networks.iter().filter(|check| !check.is_right()).map(|check| {
            let fused = if check.fused { "fused" } else { "operator by operator" };
            let what = match (&check.outcome, check.worst()) {
                (outcome, Some(worst)) if outcome.is_right() => {
                    let (error, reference) = worst.farthest();
                    let [error, bound] =
                        [error, check.tensor_bound].map(|e| scientific(Some(e).filter(|e| e.is_finite())));
                    format!("{} differs from {reference} by {error}, more than {bound}", worst.name)
                }
                (outcome, _) => told(outcome),
            };
            format!("network {}, {}, {fused}: {what}", check.network, check.precision)
        });
        kernels.chain(networks).collect()
    }

    /// Checks that were made and checks that were skipped.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let outcomes =
            self.kernels.iter().map(|k| &k.outcome).chain(self.networks.iter().map(|n| &n.outcome));
        let (skipped, made): (Vec<_>, Vec<_>) = outcomes.partition(|o| matches!(o, Outcome::Skipped { .. }));
        (made.len(), skipped.len())
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured { error, bound, repeats } if error.is_some_and(|e| e <= *bound) && !repeats => {
            "three runs give different bytes".to_owned()
        }
        Outcome::Measured { error, bound, .. } => {
            format!("relative L2 error {} where {bound:.0e} is allowed", scientific(*error))
        }
        Outcome::Skipped { reason } | Outcome::Failed { reason } => reason.clone(),
    }
}

/// An error, to two digits.
fn scientific(error: Option<f64>) -> String {
    error.map_or_else(|| "without end (not a number)".to_owned(), |error| format!("{error:.1e}"))
}
