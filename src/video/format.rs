//! Which samples a picture of a video has, as the tag `C` of the header says: `420jpeg`, `422p10`, `mono` and the like.

/// Where chroma samples are, beside the luma samples of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chroma {
    /// Nowhere: the picture is grey.
    None,
    /// One for two by two luma samples.
    Quarter(Siting),
    /// One for two luma samples in a row, at the place of the first.
    Half,
    /// One for each luma sample.
    Full,
}

/// At which place among its four luma samples a chroma sample of 4:2:0 was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Siting {
    /// In the middle of the four, as in JPEG and MPEG-1.
    Middle,
    /// In the middle of the two on the left, as in MPEG-2 and most that came after it.
    Left,
    /// At the one on the top left, as in video of wide gamut. `420paldv` is read as this, as ffmpeg writes it. PAL DV
    /// has Cb and Cr on alternate lines, but frames of it are interlaced, and refused.
    TopLeft,
}

/// Samples of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Where there is chroma.
    pub chroma: Chroma,
    /// Bits of a sample, 8 to 16; more than 8 are kept in two bytes, the lower first.
    pub bits: u32,
}

impl Format {
    /// The format of a tag, without its `C`.
    pub(super) fn of_tag(tag: &str) -> Option<Self> {
        let quarter = |siting| Some(Self { chroma: Chroma::Quarter(siting), bits: 8 });
        match tag {
            // As 420jpeg: so the mjpegtools have it, whose format this is.
            "420" | "420jpeg" => return quarter(Siting::Middle),
            "420mpeg2" => return quarter(Siting::Left),
            "420paldv" => return quarter(Siting::TopLeft),
            _ => {}
        }
        // Tags of deep samples say no siting; what is coded in 10 bits and more is sited as in MPEG-2 unless it says
        // otherwise.
        let kinds = [
            ("420p", Chroma::Quarter(Siting::Left), false),
            ("422p", Chroma::Half, false),
            ("444p", Chroma::Full, false),
            ("mono", Chroma::None, true),
            ("422", Chroma::Half, true),
            ("444", Chroma::Full, true),
        ];
        kinds.into_iter().find_map(|(start, chroma, shallow)| match tag.strip_prefix(start)? {
            "" if shallow => Some(Self { chroma, bits: 8 }),
            bits if start.ends_with(['p', 'o']) => {
                let bits = (9..=16).find(|depth: &u32| depth.to_string() == bits)?;
                Some(Self { chroma, bits })
            }
            _ => None,
        })
    }

    /// Bytes of a sample.
    pub(super) fn sample_bytes(self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// Width and height of the two planes of chroma, in samples.
    pub(super) fn chroma_size(self, width: usize, height: usize) -> (usize, usize) {
        match self.chroma {
            Chroma::None => (0, 0),
            Chroma::Quarter(_) => (width.div_ceil(2), height.div_ceil(2)),
            Chroma::Half => (width.div_ceil(2), height),
            Chroma::Full => (width, height),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        use Chroma::{Full, Half, None as Grey, Quarter};
        use Siting::{Left, Middle, TopLeft};
        for (tag, chroma, bits) in [
            ("420", Quarter(Middle), 8),
            ("420jpeg", Quarter(Middle), 8),
            ("420mpeg2", Quarter(Left), 8),
            ("420paldv", Quarter(TopLeft), 8),
            ("420p10", Quarter(Left), 10),
            ("422", Half, 8),
            ("422p9", Half, 9),
            ("444", Full, 8),
            ("444p16", Full, 16),
            ("mono", Grey, 8),
            ("mono12", Grey, 12),
            ("mono16", Grey, 16),
        ] {
            assert_eq!(Format::of_tag(tag), Some(Format { chroma, bits }), "{tag}");
        }
        for tag in ["", "411", "444alpha", "420p", "420p8", "420p17", "420p010", "444p+9", "42210", "monop10"]
        {
            assert_eq!(Format::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn odd_sides_have_chroma_at_their_ends() {
        let size = |tag| Format::of_tag(tag).unwrap().chroma_size(5, 3);
        assert_eq!(["420", "422", "444", "mono"].map(size), [(3, 2), (3, 3), (5, 3), (0, 0)]);
    }
}
