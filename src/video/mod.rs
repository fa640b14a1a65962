//! Video as a stream of uncompressed frames, YUV4MPEG2 as `ffmpeg -f yuv4mpegpipe` writes it: a [`Reader`] gives
//! [`Picture`]s of samples, a [`Converter`] makes [`Frame`](crate::image::Frame)s in floats of them and pictures of
//! those again, and a [`Writer`] writes them under the header that came in, frame rate, aspect and remarks included.
//! What a network leaves alone comes back as it was, colours beyond those that screens show included ([`keep_beyond`]).
//!
//! Read are 4:2:0 with chroma sited as in JPEG, MPEG-2 and PAL DV, 4:2:2, 4:4:4 and luma alone, in 8 to 16 bits.
//! Refused by name: interlaced frames, 4:1:1, transparency.
//!
//! Reading and writing is our own, since the crate `y4m` knows 8, 10 and 12 bits alone and not which frames are
//! interlaced; so is conversion, since the crate `yuv` gives integers, and places chroma samples in one way only.
//!
//! ```
//! use mprnet::video::{Coding, Converter, Matrix, Range, Reader, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let film = b"YUV4MPEG2 W2 H2 F25:1 Ip C420mpeg2\nFRAME\n\x10\x20\x30\x40\x80\x80";
//! let mut reader = Reader::new(&film[..], "a film")?;
//! let coding = Coding { matrix: Matrix::Bt601, range: Range::Studio };
//! let converter = Converter::new(reader.header(), coding);
//! let mut writer = Writer::new(Vec::new(), reader.header())?;
//! while let Some(picture) = reader.read()? {
//!     let frame = converter.decode(&picture)?;
//!     writer.write(&converter.encode(&frame, &picture.parameters)?)?;
//! }
//! assert_eq!(writer.finish()?, film);
//! # Ok(())
//! # }
//! ```

mod chroma;
mod convert;
mod format;
mod gamut;
mod header;
mod stream;

pub use convert::{Coding, Converter, Matrix};
pub use format::{Chroma, Format, Siting};
pub use gamut::keep_beyond;
pub use header::{Header, Range};
pub use stream::{Picture, Reader, Writer};
