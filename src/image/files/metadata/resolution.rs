//! How large a picture is meant to be, as formats have it.

use super::{Resolution, ResolutionUnit};

/// Centimetres an inch has.
const INCH: f64 = 2.54;

impl Resolution {
    /// `None` where there is nothing said: numbers that are none, or pixels that are square and of no size.
    pub(crate) fn new(x: f64, y: f64, unit: ResolutionUnit) -> Option<Resolution> {
        let sound = x.is_finite() && y.is_finite() && x > 0.0 && y > 0.0;
        (sound && (unit != ResolutionUnit::Aspect || x != y)).then_some(Resolution { x, y, unit })
    }

    /// As TIFF's tags have it, the unit by its number.
    pub(crate) fn of_tags(x: f64, y: f64, unit: Option<u64>) -> Option<Resolution> {
        let unit = match unit {
            Some(1) => ResolutionUnit::Aspect,
            Some(3) => ResolutionUnit::Centimetre,
            _ => ResolutionUnit::Inch,
        };
        Resolution::new(x, y, unit)
    }

    /// The same in inches or centimetres; an aspect has no other unit.
    pub(crate) fn counted_in(self, unit: ResolutionUnit) -> Resolution {
        let factor = match (self.unit, unit) {
            (ResolutionUnit::Inch, ResolutionUnit::Centimetre) => 1.0 / INCH,
            (ResolutionUnit::Centimetre, ResolutionUnit::Inch) => INCH,
            _ => return self,
        };
        Resolution { x: self.x * factor, y: self.y * factor, unit }
    }

    /// The nearest whole numbers from 1 to a largest one: an aspect is brought there by a common factor.
    pub(crate) fn in_whole_numbers(self, largest: u32) -> Option<(u32, u32)> {
        let (mut x, mut y) = (self.x, self.y);
        let longest = x.max(y);
        if self.unit == ResolutionUnit::Aspect
            && (longest > f64::from(largest) || x.fract() + y.fract() > 0.0)
        {
            let factor = f64::from(largest.min(10_000)) / longest;
            (x, y) = (x * factor, y * factor);
        }
        let whole = |v: f64| (1.0..=f64::from(largest)).contains(&v.round()).then_some(v.round() as u32);
        Some((whole(x)?, whole(y)?))
    }
}
