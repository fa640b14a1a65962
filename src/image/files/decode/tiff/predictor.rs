//! Samples that are stored as differences from their neighbours.

/// What was done to the samples of a row before they were packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    /// Each sample less the one to the left.
    Difference,
    /// Floats taken apart into planes of bytes, then each byte less the one to the left.
    FloatingPoint,
}

/// Undoes it in one row of little-endian samples of so many bytes, `channels` a pixel; leaves them little-endian.
pub(super) fn undo(predictor: Predictor, row: &mut [u8], bytes: usize, channels: usize) {
    match (predictor, bytes) {
        (Predictor::None, _) => {}
        (Predictor::Difference, 1) => sum(row, channels),
        (Predictor::Difference, 2) => {
            let row = row.as_chunks_mut::<2>().0;
            for i in channels..row.len() {
                let left = u16::from_le_bytes(row[i - channels]);
                row[i] = u16::from_le_bytes(row[i]).wrapping_add(left).to_le_bytes();
            }
        }
        (Predictor::Difference, _) => {
            let row = row.as_chunks_mut::<4>().0;
            for i in channels..row.len() {
                let left = u32::from_le_bytes(row[i - channels]);
                row[i] = u32::from_le_bytes(row[i]).wrapping_add(left).to_le_bytes();
            }
        }
        (Predictor::FloatingPoint, _) => {
            sum(row, channels);
            let planes = row.to_vec();
            let count = row.len() / bytes;
            // The plane of the most significant bytes comes first.
            for (i, byte) in row.iter_mut().enumerate() {
                *byte = planes[(bytes - 1 - i % bytes) * count + i / bytes];
            }
        }
    }
}

fn sum(row: &mut [u8], channels: usize) {
    for i in channels..row.len() {
        row[i] = row[i].wrapping_add(row[i - channels]);
    }
}
