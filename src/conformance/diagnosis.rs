//! What an examination of a machine says.

use serde::Serialize;

use super::machine::Machine;
use super::report::{AdapterReport, Outcome, Timing};
use crate::probe::Ceiling;

/// What an examination found, fit for a report of a mistake: it names no person and no private path.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The version of this library.
    pub mprnet: String,
    /// When, by ISO 8601 in UTC; for whoever examines to fill in.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// Every adapter, in the order that indices refer to.
    pub adapters: Vec<Examined>,
    /// What is off with the machine as a whole.
    pub findings: Vec<Finding>,
}

/// An adapter and what became of it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Examined {
    /// Its index, as `--device` takes it.
    pub index: usize,
    /// What it says of itself.
    pub adapter: AdapterReport,
    /// Whether it is the one that restores where none is asked for.
    pub chosen: bool,
    /// How it restores a photo of which the result is known.
    pub answers: Vec<KnownAnswer>,
    /// What it can do at most.
    pub ceilings: Vec<Ceiling>,
    /// Bytes of memory that can be had, where that can be found out without taking more than there is.
    pub memory: Option<u64>,
    /// How long a photo takes.
    pub timing: Option<Timing>,
    /// Why it could not be examined.
    pub failed: Option<String>,
    /// What is off with it.
    pub findings: Vec<Finding>,
}

/// A small network on a known photo.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KnownAnswer {
    /// The precision.
    pub precision: String,
    /// The residual against PyTorch's.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Seconds until its kernels were compiled, as far as the driver did not remember them.
    pub compiled: f64,
}

impl Diagnosis {
    /// Whether the adapter that restores where none is asked for does so right.
    #[must_use]
    pub fn restores(&self) -> bool {
        let right =
            |e: &Examined| e.failed.is_none() && !e.findings.iter().any(|f| f.severity == Severity::Error);
        self.adapters.iter().find(|e| e.chosen).is_some_and(right)
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// Something is slower, or less, than it could be.
    Warning,
    /// Photos cannot be restored, or come out wrong.
    Error,
}

/// Something that is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What is off.
    pub what: String,
    /// What to do.
    pub advice: String,
}
