//! The uniform block that every shader has.

use bytemuck::{Pod, Zeroable};

/// A tensor as a shader addresses it: element (y, x, quad) is at `base + (y * width + x) * quads + quad`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct View {
    /// The element of row 0, column 0, relative to the binding: negative where the binding starts later.
    pub base: i32,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Groups of four channels; of scratch memory its items, of eight values or four.
    pub quads: i32,
}

/// `Params` of `shaders/parts/params.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Params {
    /// dst, dst2, x, x2, residual, gates.
    pub views: [View; 6],
    /// Height and width of a patch, and its cells from top to bottom and left to right.
    pub patch: [i32; 4],
    /// First row, rows, first row of cells, rows of cells.
    pub window: [i32; 4],
    /// First column of cells, columns of cells.
    pub strip: [i32; 2],
    /// Channels of x.
    pub channels: i32,
    /// Hidden channels.
    pub hidden: i32,
    /// PReLU slope, pixels of a patch, or strength.
    pub scalar: f32,
}
