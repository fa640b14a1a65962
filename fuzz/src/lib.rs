//! What both targets do with a file that opens.

use mprnet::checkpoint::Checkpoint;

/// A file may announce more elements than it holds; networks are judged by their shapes before any value is read.
const MOST: usize = 1 << 22;

/// Reads every tensor of a sane size, whether or not they make a network.
pub fn read_all(file: &Checkpoint<'_>) {
    for (key, shape) in file.shapes() {
        let elements = shape.iter().try_fold(1usize, |all, &side| all.checked_mul(side));
        if elements.is_some_and(|elements| elements <= MOST) {
            let values = file.values(&key);
            assert!(values.map_or(true, |values| Some(values.len()) == elements), "{key} {shape:?}");
        }
    }
}
