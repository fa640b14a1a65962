//! Makers of GPUs.

/// Who made an adapter, which says what its compiler and its registers are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Maker {
    /// AMD: 64 lanes (GCN), or 32 and 64 (RDNA); scalar registers for what a subgroup shares.
    Amd,
    /// Intel: 8 to 32 lanes, of which few have room for many values.
    Intel,
    /// NVIDIA: 32 lanes.
    Nvidia,
    /// Qualcomm: 64 or 128 lanes.
    Qualcomm,
    /// Apple: 32 lanes.
    Apple,
    /// Anybody else, software included.
    #[default]
    Other,
}

impl Maker {
    /// Of the adapter that a device was opened on.
    #[must_use]
    pub fn of(adapter: &wgpu::AdapterInfo) -> Self {
        match adapter.vendor {
            0x1002 => Self::Amd,
            0x8086 => Self::Intel,
            0x10de => Self::Nvidia,
            0x5143 => Self::Qualcomm,
            0x106b => Self::Apple,
            // Metal names no vendor, and Mesa's driver for Apple's GPUs names Mesa.
            _ if adapter.name.starts_with("Apple ") => Self::Apple,
            _ => Self::Other,
        }
    }
}
