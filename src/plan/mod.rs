//! Where every tensor lives and how every operator is cut: integers in, integers out, no GPU.

mod fragments;
mod layout;
mod memory;
mod slots;
mod windows;

pub use fragments::{Fragment, fragments};
pub use layout::{Layout, Precision};
pub use memory::{MemoryPlan, Placement};
pub use slots::{Request, Slots, live_bound, slots};
pub use windows::{Bound, Cut, CutLimits, Domain, Reach, Strip, Window, cut};
