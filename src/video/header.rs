//! The first line of a stream: `YUV4MPEG2 W1280 H720 F25:1 Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED`.

use super::format::Format;
use crate::Shown;
use crate::image::MAX_PIXELS;

const MAGIC: &[u8] = b"YUV4MPEG2";

/// The longest side that is read, in pixels; no video codec has longer ones.
const LONGEST_SIDE: u32 = 1 << 16;

/// Which values of a sample stand for black and white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// All of them: in 8 bits 0 is black, and 255 white.
    Full,
    /// In 8 bits 16 is black and 235 white, and chroma goes from 16 to 240.
    Studio,
}

/// What a stream says of all its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) format: Format,
    pub(super) range: Option<Range>,
    line: Vec<u8>,
}

impl Header {
    /// Reads a line, without its end: of a stream, or for samples that come from elsewhere.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let mut words = line.split(|&byte| byte == b' ');
        if words.next() != Some(MAGIC) {
            return Err("it is no YUV4MPEG2 stream; let ffmpeg make one, with -f yuv4mpegpipe".to_owned());
        }
        let (mut width, mut height, mut format, mut range) = (None, None, Format::of_tag("420"), None);
        for word in words.filter(|word| !word.is_empty()) {
            let value = String::from_utf8_lossy(&word[1..]);
            match word[0] {
                b'W' => width = Some(side("width", &value)?),
                b'H' => height = Some(side("height", &value)?),
                b'I' => progressive(&value)?,
                b'C' => format = Some(read(&value)?),
                b'X' if value == "COLORRANGE=FULL" => range = Some(Range::Full),
                b'X' if value == "COLORRANGE=LIMITED" => range = Some(Range::Studio),
                _ => {}
            }
        }
        let (Some(width), Some(height), Some(format)) = (width, height, format) else {
            return Err("its header lacks the width or the height (W and H)".to_owned());
        };
        if width.max(height) > LONGEST_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(format!(
                "its header claims frames of {width} x {height} pixels, and the limit is {LONGEST_SIDE} a side and \
                 {MAX_PIXELS} in all; scale the video down first"
            ));
        }
        Ok(Self { width, height, format, range, line: line.to_owned() })
    }

    /// Width in pixels, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Samples of a frame.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The range of samples, where that is said (`XCOLORRANGE`).
    #[must_use]
    pub fn range(&self) -> Option<Range> {
        self.range
    }

    /// The line, without its end: rate, aspect, and remarks that this library does not know, as they came.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// Bytes of a frame's samples; at most 2^28 pixels of three samples of two bytes, which `u64` holds.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        let (columns, rows) = self.format.chroma_size(self.width as usize, self.height as usize);
        let samples = u64::from(self.width) * u64::from(self.height) + 2 * columns as u64 * rows as u64;
        samples * self.format.sample_bytes() as u64
    }
}

fn side(name: &str, value: &str) -> Result<u32, String> {
    // `parse` takes a sign, which no header has.
    let side = value.parse().ok().filter(|&side| side > 0 && !value.starts_with('+'));
    side.ok_or_else(|| format!("its header has {} for a {name}, where pixels are counted", Shown(value)))
}

fn read(tag: &str) -> Result<Format, String> {
    Format::of_tag(tag).ok_or_else(|| {
        format!(
            "its frames are in {}, and 4:2:0, 4:2:2, 4:4:4 and mono of 8 to 16 bits are read; convert it first, as with \
             ffmpeg's -pix_fmt yuv444p",
            Shown(tag)
        )
    })
}

/// Refuses fields: each is a picture of its own, and of another moment. Mixed frames say of themselves what they are.
fn progressive(interlacing: &str) -> Result<(), String> {
    match interlacing {
        "p" | "?" | "m" => Ok(()),
        "t" | "b" => Err(INTERLACED.to_owned()),
        other => Err(format!("its header has {} for interlacing, which is none that is known", Shown(other))),
    }
}

/// What is said of interlaced frames.
pub(super) const INTERLACED: &str =
    "its frames are interlaced; make whole pictures of them first, as with ffmpeg's -vf bwdif";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::{Chroma, Siting};

    fn refused(line: &[u8], words: &[&str]) {
        let reason = Header::parse(line).unwrap_err();
        words.iter().for_each(|word| assert!(reason.contains(word), "{word} is not in: {reason}"));
    }

    #[test]
    fn what_ffmpeg_writes() {
        let line = b"YUV4MPEG2 W5 H3 F30000:1001 Ip A1:1 C420p10 XYSCSS=420P10 XCOLORRANGE=LIMITED";
        let header = Header::parse(line).unwrap();
        assert_eq!((header.width, header.height), (5, 3));
        assert_eq!(header.format, Format { chroma: Chroma::Quarter(Siting::Left), bits: 10 });
        assert_eq!(header.range, Some(Range::Studio));
        assert_eq!(header.frame_bytes(), 2 * (15 + 2 * 6));
        assert_eq!(header.line(), line);
    }

    #[test]
    fn what_is_left_out_is_as_the_format_has_it() {
        let header = Header::parse(b"YUV4MPEG2 H4 W6").unwrap();
        assert_eq!(header.format, Format { chroma: Chroma::Quarter(Siting::Middle), bits: 8 });
        assert_eq!((header.range, header.frame_bytes()), (None, 36));
        let full = Header::parse(b"YUV4MPEG2 W6 H4 I? Cmono XCOLORRANGE=FULL").unwrap();
        assert_eq!((full.range, full.frame_bytes()), (Some(Range::Full), 24));
    }

    #[test]
    fn what_no_frames_can_be_read_by() {
        refused(b"", &["no YUV4MPEG2 stream", "-f yuv4mpegpipe"]);
        refused(b"RIFF W6 H4", &["no YUV4MPEG2 stream"]);
        refused(b"YUV4MPEG2W6 H4", &["no YUV4MPEG2 stream"]);
        refused(b"YUV4MPEG2 W6", &["lacks"]);
        for width in ["W", "W0", "W-6", "W+6", "W6.0", "W4294967296", "W\x1b[31m"] {
            refused(format!("YUV4MPEG2 {width} H4").as_bytes(), &["for a width"]);
        }
        refused(b"YUV4MPEG2 W6 H4 C\xff", &["\u{fffd}", "-pix_fmt"]);
        refused(b"YUV4MPEG2 W4294967295 H4294967295", &["4294967295 x 4294967295", "limit"]);
        refused(b"YUV4MPEG2 W16385 H16384", &["limit"]);
        refused(b"YUV4MPEG2 W65537 H1", &["limit"]);
        assert!(Header::parse(b"YUV4MPEG2 W16384 H16384 C444p16").is_ok());
    }

    #[test]
    fn what_is_refused_by_name() {
        for interlacing in ["t", "b"] {
            refused(format!("YUV4MPEG2 W6 H4 I{interlacing}").as_bytes(), &["interlaced", "bwdif"]);
        }
        refused(b"YUV4MPEG2 W6 H4 Ix", &["x for interlacing"]);
        for tag in ["411", "444alpha", "420p8"] {
            refused(format!("YUV4MPEG2 W6 H4 C{tag}").as_bytes(), &[tag, "-pix_fmt yuv444p"]);
        }
    }
}
