//! Where every tensor lives and how every operator is cut: integers in, integers out, no GPU.

mod amount;
mod budget;
mod fragments;
mod layout;
mod memory;
mod operator;
mod planner;
mod schedule;
mod slots;
mod windows;

pub use amount::parse_bytes;
pub use budget::{Budget, Plan, WORK_PER_BYTE};
pub(crate) use budget::{DOWNLOADS, TABLES, Ways};
pub use fragments::{Fragment, fragments};
pub use layout::{Layout, Precision};
pub use memory::{Located, MemoryPlan, Placement};
pub use operator::Operator;
pub use schedule::{Band, Division, Group, Item, Move, Schedule, groups, movable};
pub use slots::{Request, Slots, live_bound, slots};
pub use windows::{Bound, Cut, CutLimits, Domain, Reach, Strip, Window, cut, sliding_rows};
