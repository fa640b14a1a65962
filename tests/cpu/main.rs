//! Everything that needs no adapter: the CPU twin against PyTorch, passes, plans, shader translation.

#[path = "../common/mod.rs"]
mod common;
mod twin;
