//! A configuration, read off the shapes of a checkpoint.

use std::collections::BTreeMap;

use crate::graph::MAX_CHANNELS;
use crate::{Error, Result};

/// The widths of a network; nothing of this is stored in a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModelConfig {
    /// Channels at full size (n_feat).
    pub n_feat: u32,
    /// Channels added at each halving in stages 1 and 2 (scale_unetfeats).
    pub scale_unetfeats: u32,
    /// Channels added in stage 3 (scale_orsnetfeats).
    pub scale_orsnetfeats: u32,
    /// Channel attention blocks in each of the three original-resolution blocks.
    pub num_cab: u32,
    /// Divisor of the attention's hidden width.
    pub reduction: u32,
    /// Pixel-shuffle factor r around the network: 1 (the published networks), 2 or 4.
    pub shuffle: u32,
}

impl ModelConfig {
    /// The published deraining network (Zamir et al. 2021, section 4.1).
    pub const DERAIN: Self = Self::published(40, 20, 16);
    /// The published denoising network.
    pub const DENOISE: Self = Self::published(80, 48, 32);
    /// The published deblurring network.
    pub const DEBLUR: Self = Self::published(96, 48, 32);

    const fn published(n_feat: u32, scale_unetfeats: u32, scale_orsnetfeats: u32) -> Self {
        Self { n_feat, scale_unetfeats, scale_orsnetfeats, num_cab: 8, reduction: 4, shuffle: 1 }
    }

    /// The configuration that a checkpoint's shapes describe.
    ///
    /// # Errors
    /// [`Error::MissingKey`] or [`Error::Misshapen`] where one of the shapes that tell is not there.
    pub fn from_shapes(shapes: &BTreeMap<String, Vec<usize>>) -> Result<Self> {
        let dims = |key: &str, expected: &str, fits: &dyn Fn(&[usize]) -> bool| -> Result<Vec<u32>> {
            let shape = shapes.get(key).ok_or_else(|| Error::MissingKey { key: key.to_owned() })?;
            let sane = shape.iter().all(|&d| (1..=2 * MAX_CHANNELS as usize).contains(&d));
            if !sane || !fits(shape) {
                let expected = expected.to_owned();
                return Err(Error::Misshapen { key: key.to_owned(), found: shape.clone(), expected });
            }
            Ok(shape.iter().map(|&d| d as u32).collect())
        };
        let shallow = dims("shallow_feat1.0.weight", "[n, 3*r*r, 3, 3] with r 1, 2 or 4", &|s| {
            s.len() == 4 && [3, 12, 48].contains(&s[1])
        })?;
        let n_feat = shallow[0];
        let more = |s: &[usize]| s.len() == 4 && s[0] >= n_feat as usize;
        let down = dims("stage1_encoder.down12.down.1.weight", "[n + s, n, 1, 1]", &more)?;
        let concat = dims("concat23.weight", "[n + o, 2n, 3, 3]", &more)?;
        let rows = |s: &[usize]| s.len() == 4 && s[0] <= n_feat as usize;
        let squeeze = dims("shallow_feat1.1.CA.conv_du.0.weight", "[n / reduction, n, 1, 1]", &rows)?;
        Ok(Self {
            n_feat,
            scale_unetfeats: down[0] - n_feat,
            scale_orsnetfeats: concat[0] - n_feat,
            num_cab: closing_index(shapes)?,
            reduction: n_feat / squeeze[0],
            shuffle: if shallow[1] == 48 { 4 } else { u32::from(shallow[1] == 12) + 1 },
        })
    }

    /// Image channels inside the network: 3 r r.
    #[must_use]
    pub fn image_channels(&self) -> u32 {
        3 * self.shuffle * self.shuffle
    }

    /// What both sides of a padded photo are multiples of: 8 r.
    #[must_use]
    pub fn side_multiple(&self) -> u32 {
        8 * self.shuffle
    }

    /// Width and height of a photo, padded to multiples of [`Self::side_multiple`].
    ///
    /// # Errors
    /// [`Error::Size`] where a side is zero, or too long to be padded.
    pub fn padded(&self, (width, height): (u32, u32)) -> Result<(u32, u32)> {
        let multiple = self.side_multiple();
        let side = |side: u32| side.checked_next_multiple_of(multiple).filter(|&padded| padded > 0);
        side(width).zip(side(height)).ok_or(Error::Size { width, height, multiple })
    }

    /// Channels at level 0 (full size), 1 (half) or 2 (quarter) of the first two stages.
    #[must_use]
    pub fn level(&self, level: u32) -> u32 {
        self.n_feat + level * self.scale_unetfeats
    }

    /// Channels of stage 3.
    #[must_use]
    pub fn full_resolution(&self) -> u32 {
        self.n_feat + self.scale_orsnetfeats
    }

    /// Every parameter that must be there, with its shape, in checkpoint order. A convolution may have a
    /// `.bias` beside its `.weight`; those are not listed.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let mut keys = Keys { config: *self, list: Vec::new() };
        let (n, image) = (self.n_feat, self.image_channels());
        for stage in 1..=3 {
            keys.conv(&format!("shallow_feat{stage}.0"), n, image, 3);
            keys.cab(&format!("shallow_feat{stage}.1"), n);
        }
        for stage in ["stage1", "stage2"] {
            keys.encoder(&format!("{stage}_encoder"), stage == "stage2");
            keys.decoder(&format!("{stage}_decoder"));
        }
        keys.orsnet("stage3_orsnet");
        for sam in ["sam12", "sam23"] {
            keys.conv(&format!("{sam}.conv1"), n, n, 1);
            keys.conv(&format!("{sam}.conv2"), image, n, 1);
            keys.conv(&format!("{sam}.conv3"), n, image, 1);
        }
        keys.conv("concat12", n, 2 * n, 3);
        keys.conv("concat23", self.full_resolution(), 2 * n, 3);
        keys.conv("tail", image, self.full_resolution(), 3);
        keys.list
    }
}

impl std::fmt::Display for ModelConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { n_feat, scale_unetfeats, scale_orsnetfeats, num_cab, reduction, shuffle } = self;
        write!(
            f,
            "n_feat {n_feat}, scale_unetfeats {scale_unetfeats}, scale_orsnetfeats {scale_orsnetfeats}, "
        )?;
        write!(f, "num_cab {num_cab}, reduction {reduction}, pixel shuffle {shuffle}")
    }
}

/// num_cab is the index of the convolution that closes the first original-resolution block.
fn closing_index(shapes: &BTreeMap<String, Vec<usize>>) -> Result<u32> {
    let prefix = "stage3_orsnet.orb1.body.";
    let index = |key: &str| key.strip_prefix(prefix)?.split('.').next()?.parse().ok();
    let highest: Option<u32> = shapes.keys().filter_map(|key| index(key)).max();
    highest.filter(|&n| n <= 1000).ok_or_else(|| Error::MissingKey { key: format!("{prefix}N.weight") })
}

struct Keys {
    config: ModelConfig,
    list: Vec<(String, Vec<usize>)>,
}

impl Keys {
    fn push(&mut self, key: String, shape: &[u32]) {
        self.list.push((key, shape.iter().map(|&d| d as usize).collect()));
    }

    fn conv(&mut self, key: &str, out: u32, inner: u32, side: u32) {
        self.push(format!("{key}.weight"), &[out, inner, side, side]);
    }

    fn cab(&mut self, key: &str, channels: u32) {
        let hidden = channels / self.config.reduction.max(1);
        self.conv(&format!("{key}.CA.conv_du.0"), hidden, channels, 1);
        self.conv(&format!("{key}.CA.conv_du.2"), channels, hidden, 1);
        self.conv(&format!("{key}.body.0"), channels, channels, 3);
        self.push(format!("{key}.body.1.weight"), &[1]);
        self.conv(&format!("{key}.body.2"), channels, channels, 3);
    }

    fn levels(&mut self, key: &str) {
        for level in 0..3 {
            for block in 0..2 {
                self.cab(&format!("{key}_level{}.{block}", level + 1), self.config.level(level));
            }
        }
    }

    fn encoder(&mut self, key: &str, csff: bool) {
        self.levels(&format!("{key}.encoder"));
        let c = self.config;
        self.conv(&format!("{key}.down12.down.1"), c.level(1), c.level(0), 1);
        self.conv(&format!("{key}.down23.down.1"), c.level(2), c.level(1), 1);
        for side in ["enc", "dec"].iter().filter(|_| csff) {
            for level in 0..3 {
                let width = c.level(level);
                self.conv(&format!("{key}.csff_{side}{}", level + 1), width, width, 1);
            }
        }
    }

    fn decoder(&mut self, key: &str) {
        self.levels(&format!("{key}.decoder"));
        let c = self.config;
        self.cab(&format!("{key}.skip_attn1"), c.level(0));
        self.cab(&format!("{key}.skip_attn2"), c.level(1));
        self.conv(&format!("{key}.up21.up.1"), c.level(0), c.level(1), 1);
        self.conv(&format!("{key}.up32.up.1"), c.level(1), c.level(2), 1);
    }

    fn orsnet(&mut self, key: &str) {
        let c = self.config;
        let width = c.full_resolution();
        for orb in 1..=3 {
            for block in 0..c.num_cab {
                self.cab(&format!("{key}.orb{orb}.body.{block}"), width);
            }
            self.conv(&format!("{key}.orb{orb}.body.{}", c.num_cab), width, width, 3);
        }
        for side in ["enc", "dec"] {
            self.conv(&format!("{key}.up_{side}1.up.1"), c.level(0), c.level(1), 1);
        }
        for side in ["enc", "dec"] {
            self.conv(&format!("{key}.up_{side}2.0.up.1"), c.level(1), c.level(2), 1);
            self.conv(&format!("{key}.up_{side}2.1.up.1"), c.level(0), c.level(1), 1);
        }
        for side in ["enc", "dec"] {
            for level in 1..=3 {
                self.conv(&format!("{key}.conv_{side}{level}"), width, c.level(0), 1);
            }
        }
    }
}
