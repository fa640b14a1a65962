//! Makers of GPUs.

/// Who made an adapter, which says what its compiler and its registers are like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Maker {
    /// AMD, and Samsung's Xclipse, which is AMD's RDNA: 64 lanes (GCN), or 32 and 64 (RDNA); scalar registers for what
    /// a subgroup shares.
    Amd,
    /// Intel: 8 to 32 lanes, of which few have room for many values.
    Intel,
    /// NVIDIA: 32 lanes.
    Nvidia,
    /// Qualcomm: 64 or 128 lanes.
    Qualcomm,
    /// Apple: 32 lanes.
    Apple,
    /// Arm (Mali), Imagination (PowerVR), Broadcom (VideoCore): 16 lanes, or 32 and more (PowerVR), small caches, and
    /// no fast memory of workgroups' own.
    Mobile,
    /// Anybody else, software included.
    #[default]
    Other,
}

impl Maker {
    /// Of the adapter that a device was opened on, by its number.
    #[must_use]
    pub fn of(adapter: &wgpu::AdapterInfo) -> Self {
        match adapter.vendor {
            0x1002 | 0x144d => Self::Amd,
            0x8086 => Self::Intel,
            0x10de => Self::Nvidia,
            // DXGI has the letters QCOM, by which ACPI knows it, for a number.
            0x5143 | 0x4d4f_4351 => Self::Qualcomm,
            0x106b => Self::Apple,
            0x13b5 | 0x1010 | 0x14e4 => Self::Mobile,
            // Metal names no vendor, and Mesa's driver for Apple's GPUs names Mesa.
            _ if adapter.name.starts_with("Apple ") => Self::Apple,
            _ => Self::Other,
        }
    }

    /// By what WebGPU calls it (`GPUAdapterInfo.vendor`).
    pub(super) fn named(vendor: &str) -> Self {
        match vendor {
            "amd" | "samsung" => Self::Amd,
            "intel" => Self::Intel,
            "nvidia" => Self::Nvidia,
            "qualcomm" => Self::Qualcomm,
            "apple" => Self::Apple,
            "arm" | "img-tec" | "broadcom" => Self::Mobile,
            // Those of software adapters and layers among them: google, mesa, microsoft.
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(vendor: u32, name: &str) -> Maker {
        let info = wgpu::AdapterInfo::new(wgpu::DeviceType::Other, wgpu::Backend::Vulkan);
        Maker::of(&wgpu::AdapterInfo { vendor, name: name.to_owned(), ..info })
    }

    #[test]
    fn makers_by_number_and_by_name() {
        let makers = [
            (&[0x1002, 0x144d][..], &["amd", "samsung"][..], Maker::Amd),
            (&[0x8086], &["intel"], Maker::Intel),
            (&[0x10de], &["nvidia"], Maker::Nvidia),
            (&[0x5143, 0x4d4f_4351], &["qualcomm"], Maker::Qualcomm),
            (&[0x106b], &["apple"], Maker::Apple),
            (&[0x13b5, 0x1010, 0x14e4], &["arm", "img-tec", "broadcom"], Maker::Mobile),
            (&[0, 0x1_0005, 0x1414], &["", "google", "mesa", "microsoft"], Maker::Other),
        ];
        for (numbers, names, maker) in makers {
            numbers.iter().for_each(|&number| assert_eq!(numbered(number, ""), maker, "{number:#x}"));
            names.iter().for_each(|name| assert_eq!(Maker::named(name), maker, "{name}"));
        }
        assert_eq!([0, 0x1_0005].map(|mesa| numbered(mesa, "Apple M1 (G13G B1)")), [Maker::Apple; 2]);
    }
}
