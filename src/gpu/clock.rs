//! What the time of work on a device is read from.

use serde::Serialize;

use super::Device;

/// What times are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Timestamps of the adapter between dispatches of one pass, as runs have it; an interval begins where the one
    /// before it ends.
    Timestamps,
    /// Timestamps of the adapter at the ends of passes, of which each interval has its own; what lies between passes
    /// is in no interval.
    PassTimestamps,
    /// The host's clock around a submission for each interval: what submitting and waiting cost is in it. In browsers,
    /// where waiting costs more than much of the work, an interval begins where the browser tells that the one before
    /// it is done.
    Wall,
}

impl Clock {
    /// The best that a device was opened with.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        let has = |feature| device.wgpu().features().contains(feature);
        match (has(wgpu::Features::TIMESTAMP_QUERY), has(wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES)) {
            (true, true) => Self::Timestamps,
            (true, false) => Self::PassTimestamps,
            (false, _) => Self::Wall,
        }
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Timestamps => "timestamps",
            Self::PassTimestamps => "pass-timestamps",
            Self::Wall => "wall",
        }
    }
}
