//! Everything that needs no adapter: the CPU twin against PyTorch, passes, plans, shader translation, recording.

mod arithmetic;
mod bands;
#[path = "../common/mod.rs"]
mod common;
mod directx;
mod fusions;
mod limits;
mod lints;
mod means;
mod metal;
mod packing;
mod padding;
mod passes;
mod plans;
mod pool;
mod record;
mod rescaling;
mod rooms;
mod translate;
mod twin;
