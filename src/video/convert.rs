//! Samples of luma and chroma as colours in floats, and back: nothing is rounded in between.

use super::chroma::Side;
use super::format::{Chroma, Format, Siting};
use super::header::{Header, Range};
use super::stream::Picture;
use crate::image::{Frame, Samples};
use crate::{Error, Result};

/// How luma and chroma are made of red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matrix {
    /// ITU-R BT.601, of video in standard definition.
    Bt601,
    /// ITU-R BT.709, of video in high definition.
    Bt709,
    /// ITU-R BT.2020 with non-constant luminance, of video of wide gamut.
    Bt2020,
}

impl Matrix {
    /// The one that players take for video of this size that does not say: BT.601 up to the 576 lines, and less than
    /// 1280 columns, of standard definition, and BT.709 above.
    #[must_use]
    pub fn usual(width: u32, height: u32) -> Self {
        if width < 1280 && height <= 576 { Self::Bt601 } else { Self::Bt709 }
    }

    /// How much of red and of blue is in luma.
    fn weights(self) -> (f32, f32) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
            Self::Bt2020 => (0.2627, 0.0593),
        }
    }
}

impl Range {
    /// The one that video has that does not say: studio range, but for grey, which ffmpeg has in full range.
    #[must_use]
    pub fn usual(format: Format) -> Self {
        if format.chroma == Chroma::None { Self::Full } else { Self::Studio }
    }
}

/// What samples stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coding {
    /// What luma and chroma are made of.
    pub matrix: Matrix,
    /// Which values are black and white.
    pub range: Range,
}

/// Makes frames of pictures, and pictures of frames.
#[derive(Clone, Debug)]
pub struct Converter {
    header: Header,
    matrix: Matrix,
    luma: Scale,
    chroma: Scale,
    columns: Option<Side>,
    rows: Option<Side>,
}

/// The values that stand for zero and one.
#[derive(Clone, Copy, Debug)]
struct Scale {
    zero: f32,
    unit: f32,
    most: f32,
}

impl Scale {
    fn unit(self, sample: f32) -> f32 {
        (sample - self.zero) / self.unit
    }

    /// The nearest sample; zero of what is no number.
    fn sample(self, unit: f32) -> u16 {
        (unit * self.unit + self.zero).round().clamp(0.0, self.most) as u16
    }
}

impl Converter {
    /// For pictures under this header.
    #[must_use]
    pub fn new(header: &Header, coding: Coding) -> Self {
        let bits = header.format.bits as i32;
        let (step, most) = (2f32.powi(bits - 8), 2f32.powi(bits) - 1.0);
        let (zero, black_to_white, chroma) = match coding.range {
            Range::Full => (0.0, most, most),
            Range::Studio => (16.0 * step, 219.0 * step, 224.0 * step),
        };
        let (columns, rows) = match header.format.chroma {
            Chroma::None | Chroma::Full => (None, None),
            Chroma::Half => (Some(true), None),
            Chroma::Quarter(Siting::Middle) => (Some(false), Some(false)),
            Chroma::Quarter(Siting::Left) => (Some(true), Some(false)),
            Chroma::Quarter(Siting::TopLeft) => (Some(true), Some(true)),
        };
        Self {
            header: header.clone(),
            matrix: coding.matrix,
            luma: Scale { zero, unit: black_to_white, most },
            chroma: Scale { zero: 128.0 * step, unit: chroma, most },
            columns: columns.map(|sited| Side::new(header.width as usize, sited)),
            rows: rows.map(|sited| Side::new(header.height as usize, sited)),
        }
    }

    /// The picture's colours: a frame in floats, 0 black and 1 white, in all three channels the same where there is no
    /// chroma. Colours past that, which samples can hold and no screen can show, are in it as they are.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the picture has not as many samples as the header says.
    pub fn decode(&self, picture: &Picture) -> Result<Frame> {
        let Header { width, height, .. } = self.header;
        let bytes = picture.samples.as_slice();
        if bytes.len() as u64 != self.header.frame_bytes() {
            let (found, wanted) = (bytes.len(), self.header.frame_bytes());
            return Err(shape(format!("{width} x {height} pixels take {wanted} bytes, {found} were given")));
        }
        let (luma, chroma) =
            bytes.split_at(width as usize * height as usize * self.header.format.sample_bytes());
        let luma = self.units(luma, self.luma);
        if chroma.is_empty() {
            return Frame::from_grey32f(width, height, &luma);
        }
        let (blue, red) = chroma.split_at(chroma.len() / 2);
        let [blue, red] = [blue, red].map(|plane| self.enlarged(self.units(plane, self.chroma)));
        let (in_red, in_blue) = self.matrix.weights();
        let in_green = 1.0 - in_red - in_blue;
        let mut rgb = Vec::with_capacity(luma.len() * 3);
        for ((y, cb), cr) in luma.into_iter().zip(blue).zip(red) {
            let (r, b) = (y + 2.0 * (1.0 - in_red) * cr, y + 2.0 * (1.0 - in_blue) * cb);
            rgb.extend([r, (y - in_red * r - in_blue * b) / in_green, b]);
        }
        Frame::from_rgb32f(width, height, rgb)
    }

    /// The picture of a frame in floats, with these parameters.
    ///
    /// # Errors
    /// [`Error::FrameShape`] where the frame is of another size than the header says, or not in floats.
    pub fn encode(&self, frame: &Frame, parameters: &[u8]) -> Result<Picture> {
        let (width, height) = (frame.width(), frame.height());
        let Samples::F32(rgb) = frame.samples() else {
            return Err(shape("a video's frames are made of floats".to_owned()));
        };
        if (width, height) != (self.header.width, self.header.height) {
            let Header { width: columns, height: rows, .. } = self.header;
            return Err(shape(format!(
                "a frame of {width} x {height} in a video of {columns} x {rows} pixels"
            )));
        }
        let (in_red, in_blue) = self.matrix.weights();
        let in_green = 1.0 - in_red - in_blue;
        let pixels = rgb.as_chunks::<3>().0;
        let luma: Vec<f32> = pixels.iter().map(|[r, g, b]| in_red * r + in_green * g + in_blue * b).collect();
        let mut samples = Vec::with_capacity(self.header.frame_bytes() as usize);
        self.put(&mut samples, &luma, self.luma);
        if self.header.format.chroma != Chroma::None {
            for (channel, share) in [(2, in_blue), (0, in_red)] {
                let difference =
                    pixels.iter().zip(&luma).map(|(pixel, y)| (pixel[channel] - y) / (2.0 * (1.0 - share)));
                self.put(&mut samples, &self.reduced(difference.collect()), self.chroma);
            }
        }
        Ok(Picture { parameters: parameters.to_owned(), samples })
    }

    fn units(&self, bytes: &[u8], scale: Scale) -> Vec<f32> {
        if self.header.format.sample_bytes() == 1 {
            return bytes.iter().map(|&byte| scale.unit(f32::from(byte))).collect();
        }
        let pairs = bytes.as_chunks::<2>().0.iter();
        pairs.map(|&pair| scale.unit(f32::from(u16::from_le_bytes(pair)))).collect()
    }

    fn put(&self, bytes: &mut Vec<u8>, units: &[f32], scale: Scale) {
        let samples = units.iter().map(|&unit| scale.sample(unit));
        if self.header.format.sample_bytes() == 1 {
            bytes.extend(samples.map(|sample| sample as u8));
        } else {
            bytes.extend(samples.flat_map(u16::to_le_bytes));
        }
    }

    /// A plane of chroma in the size of luma.
    fn enlarged(&self, plane: Vec<f32>) -> Vec<f32> {
        // The smaller the plane still is, the sooner it is done.
        let columns = self.header.format.chroma_size(self.header.width as usize, 1).0;
        let plane = match &self.rows {
            Some(side) => side.rows_up(&plane, columns),
            None => plane,
        };
        match &self.columns {
            Some(side) => side.columns_up(&plane),
            None => plane,
        }
    }

    /// A plane in the size of luma in that of chroma.
    fn reduced(&self, plane: Vec<f32>) -> Vec<f32> {
        let columns = self.header.format.chroma_size(self.header.width as usize, 1).0;
        let plane = match &self.columns {
            Some(side) => side.columns_down(&plane),
            None => plane,
        };
        match &self.rows {
            Some(side) => side.rows_down(&plane, columns),
            None => plane,
        }
    }
}

fn shape(reason: String) -> Error {
    Error::FrameShape { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converter(line: &str, matrix: Matrix, range: Range) -> Converter {
        Converter::new(&Header::parse(line.as_bytes()).unwrap(), Coding { matrix, range })
    }

    fn picture(samples: &[u8]) -> Picture {
        Picture { parameters: b"Ippp".to_vec(), samples: samples.to_vec() }
    }

    fn colour(frame: &Frame) -> [f32; 3] {
        let Samples::F32(rgb) = frame.samples() else { panic!("floats are expected") };
        rgb[..3].try_into().unwrap()
    }

    /// Bars of 100% as the recommendations have them, in whole numbers of 8 bits.
    #[test]
    fn primaries_have_the_codes_of_the_recommendations() {
        use Matrix::{Bt601, Bt709, Bt2020};
        for (matrix, range, rgb, code) in [
            (Bt601, Range::Studio, [1.0, 1.0, 1.0], [235, 128, 128]),
            (Bt601, Range::Studio, [1.0, 0.0, 0.0], [81, 90, 240]),
            (Bt601, Range::Studio, [0.0, 1.0, 0.0], [145, 54, 34]),
            (Bt601, Range::Studio, [0.0, 0.0, 1.0], [41, 240, 110]),
            (Bt709, Range::Studio, [1.0, 0.0, 0.0], [63, 102, 240]),
            (Bt709, Range::Studio, [0.0, 1.0, 0.0], [173, 42, 26]),
            (Bt709, Range::Studio, [0.0, 0.0, 1.0], [32, 240, 118]),
            (Bt2020, Range::Studio, [0.0, 1.0, 0.0], [164, 47, 25]),
            (Bt601, Range::Full, [0.0, 0.0, 0.0], [0, 128, 128]),
            (Bt601, Range::Full, [0.0, 0.0, 1.0], [29, 255, 107]),
        ] {
            let converter = converter("YUV4MPEG2 W1 H1 C444", matrix, range);
            let frame = Frame::from_rgb32f(1, 1, rgb.to_vec()).unwrap();
            assert_eq!(converter.encode(&frame, b"").unwrap().samples, code, "{matrix:?} {range:?} {rgb:?}");
            let back = colour(&converter.decode(&picture(&code)).unwrap());
            // A code is a whole number, half a step off at most.
            assert!(back.iter().zip(rgb).all(|(a, b)| (a - b).abs() < 0.01), "{matrix:?} {back:?}");
        }
    }

    #[test]
    fn every_code_of_every_depth_comes_back() {
        for range in [Range::Full, Range::Studio] {
            for bits in 8..=16 {
                let codes = (0..1u32 << bits).map(|code| code as u16);
                let bytes: Vec<u8> = match bits {
                    8 => codes.map(|code| code as u8).collect(),
                    _ => codes.flat_map(u16::to_le_bytes).collect(),
                };
                let depth = if bits == 8 { String::new() } else { bits.to_string() };
                let line = format!("YUV4MPEG2 W{} H1 Cmono{depth}", 1 << bits);
                let converter = converter(&line, Matrix::Bt709, range);
                let frame = converter.decode(&picture(&bytes)).unwrap();
                assert!(frame.is_grey());
                assert_eq!(converter.encode(&frame, b"Ippp").unwrap(), picture(&bytes), "{bits} bits");
            }
        }
    }

    #[test]
    fn black_and_white_of_every_depth() {
        for (range, bits, black, white) in [
            (Range::Studio, 10, 64u16, 940u16),
            (Range::Studio, 16, 4096, 60160),
            (Range::Full, 10, 0, 1023),
            (Range::Full, 16, 0, 65535),
        ] {
            let converter = converter(&format!("YUV4MPEG2 W1 H1 Cmono{bits}"), Matrix::Bt709, range);
            for (code, value) in [(black, 0.0), (white, 1.0)] {
                assert_eq!(colour(&converter.decode(&picture(&code.to_le_bytes())).unwrap()), [value; 3]);
            }
        }
    }

    #[test]
    fn pictures_of_every_kind_come_back() {
        let tags =
            ["420jpeg", "420mpeg2", "420paldv", "420p10", "422", "422p12", "444", "444p16", "mono", "mono9"];
        for (tag, (width, height)) in
            tags.iter().flat_map(|tag| [(7, 5), (8, 6), (1, 1), (2, 3)].map(|size| (tag, size)))
        {
            let header = Header::parse(format!("YUV4MPEG2 W{width} H{height} C{tag}").as_bytes()).unwrap();
            // No value beyond what 9 bits hold.
            let step = header.format.sample_bytes();
            let samples: Vec<u8> = (0..header.frame_bytes() as usize)
                .map(|i| if i % step == 1 { (i / step % 2) as u8 } else { (i * i * 29 % 256) as u8 })
                .collect();
            for range in [Range::Full, Range::Studio] {
                let converter = Converter::new(&header, Coding { matrix: Matrix::Bt709, range });
                let frame = converter.decode(&picture(&samples)).unwrap();
                assert_eq!((frame.width(), frame.height()), (width, height));
                assert_eq!(converter.encode(&frame, b"Ippp").unwrap(), picture(&samples), "{tag} {range:?}");
            }
        }
    }

    #[test]
    fn chroma_is_where_it_was_taken() {
        // Cb goes up by eight from sample to sample in a line, so by four from pixel to pixel, and Cr from line to
        // line; luma is the same everywhere. Of the sixth pixel of the sixth line the own sample is the third,
        // with 112.
        for (tag, cb, cr) in [
            ("420mpeg2", 116.0, 114.0),
            ("420p10", 116.0, 114.0),
            ("420paldv", 116.0, 116.0),
            ("420jpeg", 114.0, 114.0),
        ] {
            let step = if tag == "420p10" { 4 } else { 1 };
            let codes = std::iter::repeat_n(128, 256)
                .chain((0..64u16).map(|i| 96 + 8 * (i % 8)))
                .chain((0..64u16).map(|i| 96 + 8 * (i / 8)))
                .map(|code| code * step);
            let samples: Vec<u8> = if step == 1 {
                codes.map(|code| code as u8).collect()
            } else {
                codes.flat_map(u16::to_le_bytes).collect()
            };
            let converter = converter(&format!("YUV4MPEG2 W16 H16 C{tag}"), Matrix::Bt601, Range::Studio);
            let frame = converter.decode(&picture(&samples)).unwrap();
            let Samples::F32(rgb) = frame.samples() else { panic!("floats are expected") };
            let [red, _, blue] = rgb.as_chunks::<3>().0[5 * 16 + 5];
            let luma = 112.0 / 219.0;
            let found =
                [(blue, 1.772), (red, 1.402)].map(|(value, most)| (value - luma) * 224.0 / most + 128.0);
            let apart = (found[0] - cb).abs().max((found[1] - cr).abs());
            assert!(apart < 0.01, "{tag}: {found:?}");
        }
    }

    #[test]
    fn defaults_go_by_size_and_kind() {
        for (size, matrix) in [
            ((720, 576), Matrix::Bt601),
            ((1024, 576), Matrix::Bt601),
            ((640, 577), Matrix::Bt709),
            ((1280, 544), Matrix::Bt709),
            ((3840, 2160), Matrix::Bt709),
        ] {
            assert_eq!(Matrix::usual(size.0, size.1), matrix, "{size:?}");
        }
        let usual = |tag| Range::usual(Format::of_tag(tag).unwrap());
        assert_eq!(["420jpeg", "444p10", "mono"].map(usual), [Range::Studio, Range::Studio, Range::Full]);
    }

    #[test]
    fn what_does_not_fit_the_header() {
        let converter = converter("YUV4MPEG2 W2 H2 C420", Matrix::Bt601, Range::Full);
        assert!(converter.decode(&picture(&[0; 5])).is_err());
        assert!(converter.encode(&Frame::from_rgb32f(1, 2, vec![0.0; 6]).unwrap(), b"").is_err());
        assert!(converter.encode(&Frame::from_rgb8(2, 2, vec![0; 12]).unwrap(), b"").is_err());
        let nan = Frame::from_rgb32f(2, 2, vec![f32::NAN; 12]).unwrap();
        assert_eq!(converter.encode(&nan, b"").unwrap().samples, [0; 6]);
    }
}
