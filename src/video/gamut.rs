//! Colours of a video that are brighter than white, darker than black, or of no colour that a screen has.

use crate::image::{Frame, Samples};
use crate::{Error, Result};

/// A restored frame with those colours of the frame it was made of that lie beyond 0 and 1, where networks do not look:
/// room that studio range has above white and below black, and overshoot at edges. Each sample keeps as much of its
/// excess as is more than the network has moved it by, so that what was taken away (a raindrop as bright as the sun)
/// does not shine through, and what was left alone is left alone.
///
/// # Errors
/// [`Error::SizesDiffer`]; [`Error::FrameShape`] where they are not in floats.
pub fn keep_beyond(seen: &Frame, restored: &Frame) -> Result<Frame> {
    let (Samples::F32(before), Samples::F32(after)) = (seen.samples(), restored.samples()) else {
        return Err(Error::FrameShape { reason: "a video's frames are made of floats".to_owned() });
    };
    seen.check_size(restored)?;
    restored.with_samples(Samples::F32(before.iter().zip(after).map(|(&b, &a)| sample(b, a)).collect()))
}

fn sample(seen: f32, restored: f32) -> f32 {
    let end = seen.clamp(0.0, 1.0);
    let (excess, moved) = (seen - end, (restored - end).abs());
    restored + (excess.abs() - moved).max(0.0).copysign(excess)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_is_kept_where_nothing_was_taken_away() {
        for (seen, restored, kept) in [
            (0.5, 0.25, 0.25),
            (1.0, 0.75, 0.75),
            (1.25, 1.0, 1.25),
            (-0.25, 0.0, -0.25),
            (1.25, 0.875, 1.0),
            (-0.25, 0.125, 0.0),
            (1.25, 0.5, 0.5),
            (-0.25, 0.5, 0.5),
        ] {
            assert_eq!(sample(seen, restored), kept, "{seen} restored to {restored}");
        }
    }

    #[test]
    fn frames_that_do_not_go_together() {
        let floats = |width| Frame::from_rgb32f(width, 1, vec![0.0; 3 * width as usize]).unwrap();
        assert!(keep_beyond(&floats(1), &floats(2)).is_err());
        assert!(keep_beyond(&floats(2), &floats(1)).is_err());
        assert!(keep_beyond(&floats(1), &Frame::from_rgb8(1, 1, vec![0; 3]).unwrap()).is_err());
        assert!(keep_beyond(&floats(2), &floats(2)).is_ok());
    }
}
