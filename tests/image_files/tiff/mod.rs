//! TIFF as cameras, editors and scanners write it.

mod damage;
mod kinds;
mod matrix;
mod metadata;
