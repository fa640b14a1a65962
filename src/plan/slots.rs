//! Buffer slots: which tensors share one buffer. Tensors alive at the same step never do, since WebGPU forbids a
//! dispatch that reads and writes one buffer.

/// Something to store, from the step that writes it to the last that reads it, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its size.
    pub bytes: u64,
    /// The step that writes it.
    pub first: usize,
    /// The last step that reads it.
    pub last: usize,
}

impl Request {
    fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// An assignment of requests to slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// Bytes of each slot.
    pub sizes: Vec<u64>,
    /// The slot of each request.
    pub of: Vec<usize>,
}

impl Slots {
    /// Bytes of all slots.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sizes.iter().sum()
    }
}

/// Bytes alive at the worst step: no assignment can take less.
#[must_use]
pub fn live_bound(requests: &[Request]) -> u64 {
    let steps = requests.iter().map(|r| r.last + 1).max().unwrap_or(0);
    let mut change = vec![0_i128; steps + 1];
    for r in requests {
        change[r.first] += i128::from(r.bytes);
        change[r.last + 1] -= i128::from(r.bytes);
    }
    let mut live = 0;
    let peak = change.iter().map(|c| {
        live += c;
        live
    });
    peak.max().unwrap_or(0) as u64
}

/// Rounds of reordering; what they gain comes in the first few.
const ROUNDS: usize = 8;

/// Assigns every request a slot: the least of greedy-by-size (the largest request opens a slot, each next goes
/// where it wastes least) and of greedy-in-time (a request takes the free slot it fits best, growing it if it
/// must), since each wins on some graphs; and of these with requests that found no room taken earlier.
#[must_use]
pub fn slots(requests: &[Request]) -> Slots {
    let by_size = |spread: usize| {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        let span = |r: &Request| if spread == 0 { 0 } else { r.last - r.first };
        order.sort_by_key(|&i| {
            (std::cmp::Reverse(requests[i].bytes), std::cmp::Reverse(span(&requests[i])), i)
        });
        order
    };
    let mut in_time: Vec<usize> = (0..requests.len()).collect();
    in_time.sort_by_key(|&i| (requests[i].first, std::cmp::Reverse(requests[i].bytes), i));
    let mut candidates = Vec::with_capacity(3 * ROUNDS);
    for mut order in [by_size(0), by_size(1), in_time] {
        for _ in 0..ROUNDS {
            let (slots, grew) = assign(requests, &order);
            candidates.push(slots);
            // A stable sort: otherwise the order stays.
            order.sort_by_key(|&i| !grew[i]);
        }
    }
    candidates.into_iter().min_by_key(Slots::bytes).unwrap_or_default()
}

/// Takes requests in that order; each goes to the compatible slot that grows least, then wastes least. Also gives
/// which of them opened a slot or made one grow.
fn assign(requests: &[Request], order: &[usize]) -> (Slots, Vec<bool>) {
    let mut slots = Slots { sizes: Vec::new(), of: vec![0; requests.len()] };
    let mut tenants: Vec<Vec<usize>> = Vec::new();
    let mut grew = vec![false; requests.len()];
    for &i in order {
        let request = &requests[i];
        let free = |slot: &usize| tenants[*slot].iter().all(|&t| !requests[t].overlaps(request));
        let fit = |slot: &usize| {
            let size = slots.sizes[*slot];
            (request.bytes.saturating_sub(size), size.saturating_sub(request.bytes))
        };
        let best = (0..tenants.len()).filter(free).min_by_key(fit);
        let slot = best.unwrap_or_else(|| {
            tenants.push(Vec::new());
            slots.sizes.push(0);
            tenants.len() - 1
        });
        grew[i] = request.bytes > slots.sizes[slot];
        slots.sizes[slot] = slots.sizes[slot].max(request.bytes);
        tenants[slot].push(i);
        slots.of[i] = slot;
    }
    (slots, grew)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn requests() -> impl Strategy<Value = Vec<Request>> {
        let request = (1_u64..1000, 0_usize..60, 0_usize..12);
        let build = |(bytes, first, length)| Request { bytes, first, last: first + length };
        prop::collection::vec(request.prop_map(build), 0..80)
    }

    proptest! {
        #[test]
        fn tenants_of_a_slot_are_never_alive_together(requests in requests()) {
            let slots = slots(&requests);
            for (i, a) in requests.iter().enumerate() {
                prop_assert!(slots.sizes[slots.of[i]] >= a.bytes);
                for (j, b) in requests.iter().enumerate().skip(i + 1) {
                    prop_assert!(slots.of[i] != slots.of[j] || !a.overlaps(b));
                }
            }
            prop_assert!(slots.bytes() >= live_bound(&requests));
        }
    }

    #[test]
    fn a_chain_of_equal_tensors_takes_two_slots() {
        let chain: Vec<Request> = (0..50).map(|i| Request { bytes: 64, first: i, last: i + 1 }).collect();
        assert_eq!(slots(&chain).sizes, [64, 64]);
        assert_eq!(live_bound(&chain), 128);
    }
}
