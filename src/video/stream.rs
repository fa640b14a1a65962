//! Frames from a stream, and to one.

use std::io::{self, BufRead, Read, Write};

use super::header::{Header, INTERLACED};
use crate::{Error, Result};

/// The longest line that is read. Those of ffmpeg and the mjpegtools have at most 256 bytes.
const LONGEST_LINE: u64 = 1024;

/// Room for the first frame before any of it has come: a header may claim what it likes.
const FIRST_ROOM: usize = 1 << 16;

/// A frame's samples, as they lie in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What its own line says besides `FRAME`; mostly nothing.
    pub parameters: Vec<u8>,
    /// Luma row by row, then Cb and Cr where there is chroma.
    pub samples: Vec<u8>,
}

/// Reads a stream frame by frame.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    origin: String,
    header: Header,
    frames: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header. `origin` is what errors call the stream: a file's name, or where else it comes from.
    ///
    /// # Errors
    /// [`Error::Video`] where it is no header, or one of frames that are not read; [`Error::Io`].
    pub fn new(mut input: R, origin: &str) -> Result<Self> {
        let refused = |reason| Error::Video { origin: origin.to_owned(), reason };
        let line = match read_line(&mut input).map_err(|e| unread(origin, e))? {
            Line::Whole(line) => line,
            Line::Missing => return Err(refused(format!("there is nothing in it; {WHOLE}"))),
            Line::Endless(start) => {
                // What is something else altogether is told as that.
                Header::parse(&start).map_err(refused)?;
                return Err(refused("its header does not end".to_owned()));
            }
        };
        let header = Header::parse(&line).map_err(refused)?;
        Ok(Self { input, origin: origin.to_owned(), header, frames: 0 })
    }

    /// What the stream says of all frames.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next frame; nothing after the last one.
    ///
    /// # Errors
    /// [`Error::Video`] where there is no frame at all, one is cut short or interlaced, or something else stands in its
    /// place;
    /// [`Error::Io`].
    pub fn read(&mut self) -> Result<Option<Picture>> {
        let number = self.frames + 1;
        let parameters = match read_line(&mut self.input).map_err(|e| unread(&self.origin, e))? {
            Line::Missing if self.frames == 0 => {
                return Err(self.refused(format!("there is no frame in it; {WHOLE}")));
            }
            Line::Missing => return Ok(None),
            Line::Whole(line) if line == b"FRAME" => Vec::new(),
            Line::Whole(line) => match line.strip_prefix(b"FRAME ") {
                Some(parameters) => parameters.to_owned(),
                None => return Err(self.refused(no_frame(number))),
            },
            Line::Endless(start) if b"FRAME".starts_with(&start) => {
                return Err(self.refused(format!("it ends within the line before frame {number}; {WHOLE}")));
            }
            Line::Endless(_) => return Err(self.refused(no_frame(number))),
        };
        if parameters.split(|&byte| byte == b' ').any(is_interlaced) {
            return Err(self.refused(format!("from frame {number} on {INTERLACED}")));
        }
        let wanted = self.header.frame_bytes();
        let room = usize::try_from(wanted).unwrap_or(usize::MAX);
        let room = if self.frames == 0 { room.min(FIRST_ROOM) } else { room };
        let mut samples = Vec::with_capacity(room);
        let input = &mut self.input;
        input.take(wanted).read_to_end(&mut samples).map_err(|e| unread(&self.origin, e))?;
        let found = samples.len() as u64;
        if found < wanted {
            let text = format!("frame {number} is cut short, {found} bytes of {wanted} are there; {WHOLE}");
            return Err(self.refused(text));
        }
        self.frames = number;
        Ok(Some(Picture { parameters, samples }))
    }

    fn refused(&self, reason: String) -> Error {
        Error::Video { origin: self.origin.clone(), reason }
    }
}

const WHOLE: &str = "get the whole of it, or see what ended the program that it comes from";

fn no_frame(number: u64) -> String {
    format!("something other than frame {number} stands in its place; make the stream anew")
}

fn unread(origin: &str, source: io::Error) -> Error {
    Error::Io { action: "read", path: origin.into(), source }
}

enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// Its start, of a line that is too long or that the stream ends in.
    Endless(Vec<u8>),
    /// The stream has ended.
    Missing,
}

fn read_line(input: &mut impl BufRead) -> io::Result<Line> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    Ok(match line.pop() {
        None => Line::Missing,
        Some(b'\n') => Line::Whole(line),
        Some(last) => {
            line.push(last);
            Line::Endless(line)
        }
    })
}

/// Whether a parameter of a frame, `I` and three letters for how it is shown, sampled and how its chroma is, says that
/// it was taken in fields.
fn is_interlaced(parameter: &[u8]) -> bool {
    parameter.strip_prefix(b"I").is_some_and(|letters| letters.iter().skip(1).any(|&letter| letter == b'i'))
}

/// Writes a stream frame by frame.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    frame_bytes: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header as it was read.
    ///
    /// # Errors
    /// The output's own.
    pub fn new(mut output: W, header: &Header) -> io::Result<Self> {
        output.write_all(header.line())?;
        output.write_all(b"\n")?;
        Ok(Self { output, frame_bytes: header.frame_bytes() })
    }

    /// Writes a frame. Whoever reads the other end gets it at once.
    ///
    /// # Errors
    /// The output's own; [`io::ErrorKind::InvalidInput`], before anything is written, where a picture has not as many
    /// samples as the header says, or parameters that would end its line.
    pub fn write(&mut self, picture: &Picture) -> io::Result<()> {
        let (found, wanted) = (picture.samples.len() as u64, self.frame_bytes);
        if found != wanted || picture.parameters.contains(&b'\n') {
            let reason =
                format!("a frame of {found} bytes where {wanted} are due, or parameters of two lines");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        self.output.write_all(b"FRAME")?;
        if !picture.parameters.is_empty() {
            self.output.write_all(b" ")?;
            self.output.write_all(&picture.parameters)?;
        }
        self.output.write_all(b"\n")?;
        self.output.write_all(&picture.samples)?;
        self.output.flush()
    }

    /// What was written to.
    ///
    /// # Errors
    /// The output's own.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"YUV4MPEG2 W2 H1 F24:1 Im Cmono\n";

    #[test]
    fn only_frames_of_its_size_are_written() {
        let header = Header::parse(b"YUV4MPEG2 W2 H1 F24:1 Cmono").unwrap();
        let mut writer = Writer::new(Vec::new(), &header).unwrap();
        let picture = |parameters: &[u8], samples: &[u8]| Picture {
            parameters: parameters.to_vec(),
            samples: samples.to_vec(),
        };
        for wrong in [picture(b"", b"a"), picture(b"", b"abc"), picture(b"Ip\nFRAME", b"ab")] {
            assert_eq!(writer.write(&wrong).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
        writer.write(&picture(b"Ip", b"ab")).unwrap();
        assert_eq!(writer.finish().unwrap(), b"YUV4MPEG2 W2 H1 F24:1 Cmono\nFRAME Ip\nab");
    }

    fn refused(frames: &[u8], read_before: usize, words: &[&str]) {
        let bytes = [HEADER, frames].concat();
        let mut reader = Reader::new(&bytes[..], "film").unwrap();
        (0..read_before).for_each(|_| assert!(reader.read().unwrap().is_some()));
        let error = reader.read().unwrap_err().to_string();
        assert!(error.starts_with("cannot read the video from film: "), "{error}");
        words.iter().for_each(|word| assert!(error.contains(word), "{word} is not in: {error}"));
    }

    #[test]
    fn a_stream_is_written_as_it_was_read() {
        let bytes = [HEADER, b"FRAME\nab", b"FRAME Ippp XYZ\n\nF", b"FRAME\n\x00\xff"].concat();
        let mut reader = Reader::new(&bytes[..], "film").unwrap();
        let mut writer = Writer::new(Vec::new(), reader.header()).unwrap();
        while let Some(picture) = reader.read().unwrap() {
            writer.write(&picture).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), bytes);
    }

    #[test]
    fn what_is_no_whole_frame() {
        refused(b"", 0, &["there is no frame in it", "see what ended the program"]);
        refused(b"FRAME\na", 0, &["frame 1 is cut short, 1 bytes of 2"]);
        refused(b"FRAME\nabFRAME\n", 1, &["frame 2 is cut short, 0 bytes of 2"]);
        refused(b"FRAME\nabFRA", 1, &["ends within the line before frame 2"]);
        refused(b"FRAME\nabcFRAME\nde", 1, &["other than frame 2"]);
        refused(b"FRAMES\nab", 0, &["other than frame 1"]);
        refused(&[b'x'; 5000], 0, &["other than frame 1"]);
    }

    #[test]
    fn interlaced_frames_among_others() {
        refused(b"FRAME Ippp\nabFRAME Itii\ncd", 1, &["from frame 2 on its frames are interlaced", "bwdif"]);
        refused(b"FRAME X Itpi\nab", 0, &["interlaced"]);
    }

    #[test]
    fn what_is_no_header() {
        let error = |bytes: &[u8]| Reader::new(bytes, "film").unwrap_err().to_string();
        assert!(error(b"").contains("there is nothing in it"));
        assert!(error(b"YUV4MPEG2 W2 H2").contains("its header does not end"));
        assert!(error(&[0; 5000]).contains("no YUV4MPEG2 stream"));
        let long = [b"YUV4MPEG2 W2 H2 ".to_vec(), vec![b'X'; 5000]].concat();
        assert!(error(&long).contains("its header does not end"));
    }

    #[test]
    fn a_claimed_size_is_held_against_what_is_there() {
        let bytes = b"YUV4MPEG2 W16384 H16384 C444p16\nFRAME\nabc";
        let mut reader = Reader::new(&bytes[..], "film").unwrap();
        let error = reader.read().unwrap_err().to_string();
        assert!(error.contains("3 bytes of 1610612736"), "{error}");
    }
}
