//! What the targets do with a file.

use std::path::Path;

use mprnet::checkpoint::Checkpoint;
use mprnet::image::{Depth, ReadOptions, from_bytes};
use mprnet::video::{Coding, Converter, Matrix, Range, Reader};

/// A file may announce more elements than it holds; networks are judged by their shapes before any value is read.
const MOST: usize = 1 << 22;

/// Reads every tensor of a sane size, whether or not they make a network.
pub fn read_all(file: &Checkpoint<'_>) {
    for (key, shape) in file.shapes() {
        let elements = shape.iter().try_fold(1usize, |all, &side| all.checked_mul(side));
        if elements.is_some_and(|elements| elements <= MOST) {
            let values = file.values(&key);
            assert!(values.map_or(true, |values| Some(values.len()) == elements), "{key} {shape:?}");
        }
    }
}

/// Reads a photo as it should be, and as far as it is there: what is whole is the same both ways.
pub fn read_photo(bytes: &[u8]) {
    let name = Path::new("bytes");
    let keep = ReadOptions { keep_damaged: true, ..ReadOptions::default() };
    let strict = from_bytes(bytes, name, &ReadOptions::default());
    let kept = from_bytes(bytes, name, &keep);
    if let Ok(photo) = strict {
        let kept = kept.expect("what is read is kept too");
        let shape = |frame: &mprnet::image::Frame| (frame.width(), frame.height(), frame.samples().depth());
        assert_eq!(shape(&photo), shape(&kept));
        // Not a number is not equal to itself, so depths and sides have to do for floats.
        if photo.samples().depth() != Depth::F32 {
            assert!(photo.samples() == kept.samples() && photo.alpha() == kept.alpha());
            assert!(photo.metadata() == kept.metadata());
        }
    }
}

/// Reads a video to its end, or to what is wrong with it, and makes the same pictures of its frames again.
pub fn read_video(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes, "bytes") else { return };
    let range = reader.header().range().unwrap_or(Range::Studio);
    let converter = Converter::new(reader.header(), Coding { matrix: Matrix::Bt709, range });
    while let Ok(Some(picture)) = reader.read() {
        let frame = converter.decode(&picture).expect("as many samples as the header says");
        let again = converter.encode(&frame, &picture.parameters).expect("a frame of this size");
        assert_eq!(again.samples.len(), picture.samples.len());
    }
}
