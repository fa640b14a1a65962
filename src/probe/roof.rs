//! Which ceiling bounds a kernel.

use super::{Ceiling, Resource};

/// What a kernel demands of the adapter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Demand {
    /// Multiply-adds executed.
    pub multiply_adds: u64,
    /// Whether they are executed on cooperative matrices.
    pub matrices: bool,
    /// Bytes read and written.
    pub bytes: u64,
}

/// The ceiling that bounds a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// What there is least of.
    pub resource: Resource,
    /// The least time that the kernel could take, in seconds.
    pub seconds: f64,
}

/// The ceilings of an adapter.
#[derive(Clone, Debug, Default)]
pub struct Roof {
    /// In FLOP/s and B/s.
    ceilings: Vec<(Resource, f64)>,
}

impl Roof {
    /// The roof that those ceilings make.
    #[must_use]
    pub fn new(ceilings: &[Ceiling]) -> Self {
        Self { ceilings: ceilings.iter().filter_map(|c| Some((c.resource, c.used?))).collect() }
    }

    /// A ceiling, where it is known, in FLOP/s or B/s.
    #[must_use]
    pub fn ceiling(&self, resource: Resource) -> Option<f64> {
        self.ceilings.iter().find(|(of, _)| *of == resource).map(|(_, rate)| *rate)
    }

    /// What bounds a kernel: arithmetic, which is f32 outside of matrices, or memory, whichever takes longer. None
    /// where a ceiling that it would be held to is not known.
    #[must_use]
    pub fn limit(&self, demand: Demand) -> Option<Limit> {
        let unit = if demand.matrices { Resource::Matrices } else { Resource::F32 };
        let arithmetic = 2.0 * demand.multiply_adds as f64 / self.ceiling(unit)?;
        let memory = demand.bytes as f64 / self.ceiling(Resource::Memory)?;
        let (resource, seconds) =
            if arithmetic > memory { (unit, arithmetic) } else { (Resource::Memory, memory) };
        Some(Limit { resource, seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roof(ceilings: &[(Resource, f64)]) -> Roof {
        Roof { ceilings: ceilings.to_vec() }
    }

    #[test]
    fn the_scarcer_resource_bounds() {
        let roof = roof(&[(Resource::F32, 1000.0), (Resource::Matrices, 8000.0), (Resource::Memory, 100.0)]);
        let limit = |multiply_adds, matrices, bytes| {
            let limit = roof.limit(Demand { multiply_adds, matrices, bytes }).unwrap();
            (limit.resource, limit.seconds)
        };
        // The ridge lies at 10 FLOP a byte in f32, at 80 on matrices.
        assert_eq!(limit(5000, false, 999), (Resource::F32, 10.0));
        assert_eq!(limit(5000, false, 1001), (Resource::Memory, 10.01));
        assert_eq!(limit(5000, true, 100), (Resource::Matrices, 1.25));
        assert_eq!(limit(5000, true, 200), (Resource::Memory, 2.0));
        assert_eq!(limit(0, false, 50), (Resource::Memory, 0.5));
    }

    #[test]
    fn what_is_not_known_bounds_nothing() {
        let roof = roof(&[(Resource::F32, 1000.0), (Resource::Memory, 100.0)]);
        assert_eq!(roof.limit(Demand { multiply_adds: 1, matrices: true, bytes: 1 }), None);
        assert_eq!(Roof::default().limit(Demand::default()), None);
        assert_eq!(roof.ceiling(Resource::F16), None);
    }
}
