//! Room on the host for tensors between groups: in memory as far as there is some to spare, then in files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

#[cfg(not(target_family = "wasm"))]
use crate::output::cache_folder;
use crate::{Error, Result};

/// Hundredths of the memory that the system has available that tensors may take.
const SHARE: u64 = 60;

/// Bytes of a file that are moved at once.
const PIECE: usize = 1 << 20;

/// Room for whole tensors.
pub(super) enum Room {
    Memory(Vec<u8>),
    /// A file without a name, which goes with the process however it ends, and the folder that it is in.
    #[cfg_attr(target_family = "wasm", expect(dead_code, reason = "a browser has no files"))]
    File(File, PathBuf),
}

/// Rooms of these sizes, the largest in files where there is not enough memory for all.
///
/// # Errors
/// [`Error::Io`] where no file can be made that large.
pub(super) fn make(sizes: &[u64]) -> Result<Vec<Room>> {
    make_within(sizes, available() / 100 * SHARE)
}

/// The same, with so many bytes of memory to spare.
fn make_within(sizes: &[u64], mut spare: u64) -> Result<Vec<Room>> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&i| sizes[i]);
    let mut rooms: Vec<Option<Room>> = sizes.iter().map(|_| None).collect();
    let mut filed = 0;
    for i in order {
        let room = if sizes[i] <= spare { Room::in_memory(sizes[i]) } else { None };
        spare = spare.saturating_sub(sizes[i]);
        if room.is_none() {
            filed += sizes[i];
        }
        rooms[i] = Some(room.map_or_else(|| Room::in_file(sizes[i]), Ok)?);
    }
    if filed > 0 {
        tracing::warn!(
            "{} MiB pass through a temporary file: the system has not enough memory to spare",
            filed >> 20
        );
    }
    Ok(rooms.into_iter().flatten().collect())
}

/// Bytes of memory that the system can give without taking them from others.
#[cfg(not(target_family = "wasm"))]
fn available() -> u64 {
    let kind = sysinfo::MemoryRefreshKind::nothing().with_ram();
    let system = sysinfo::System::new_with_specifics(sysinfo::RefreshKind::nothing().with_memory(kind));
    let bounded = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(bounded)
}

/// A browser does not tell, and has no files.
#[cfg(target_family = "wasm")]
fn available() -> u64 {
    u64::MAX
}

impl Room {
    fn in_memory(bytes: u64) -> Option<Self> {
        let (mut memory, bytes) = (Vec::new(), usize::try_from(bytes).ok()?);
        memory.try_reserve_exact(bytes).ok()?;
        memory.resize(bytes, 0);
        Some(Self::Memory(memory))
    }

    /// A browser has no files.
    #[cfg(target_family = "wasm")]
    fn in_file(bytes: u64) -> Result<Self> {
        Err(Error::HostMemory { bytes })
    }

    /// In TMPDIR where it is set, else in the cache folder: /tmp is memory on many systems.
    #[cfg(not(target_family = "wasm"))]
    fn in_file(bytes: u64) -> Result<Self> {
        let folder = std::env::var_os("TMPDIR").map(Into::into).or_else(cache_folder);
        let made = folder.and_then(|folder: PathBuf| {
            std::fs::create_dir_all(&folder).ok()?;
            Some((tempfile::tempfile_in(&folder).ok()?, folder))
        });
        let (file, folder) = if let Some(made) = made {
            made
        } else {
            let folder = std::env::temp_dir();
            (tempfile::tempfile().map_err(|source| no_room(&folder, source))?, folder)
        };
        reserve(&file, bytes).map_err(|source| no_room(&folder, source))?;
        Ok(Self::File(file, folder))
    }

    /// Hands a range to `write`, piece by piece, each with its offset in the range.
    pub(super) fn read(&mut self, range: Range<u64>, write: &mut impl FnMut(usize, &[u8])) -> Result<()> {
        let (file, folder) = match self {
            Self::Memory(bytes) => {
                write(0, &bytes[range.start as usize..range.end as usize]);
                return Ok(());
            }
            Self::File(file, folder) => (file, folder),
        };
        file.seek(SeekFrom::Start(range.start)).map_err(|source| no_room(folder, source))?;
        let (mut at, bytes) = (0, (range.end - range.start) as usize);
        let mut piece = vec![0; PIECE.min(bytes)];
        while at < bytes {
            let part = &mut piece[..PIECE.min(bytes - at)];
            file.read_exact(part).map_err(|source| no_room(folder, source))?;
            write(at, part);
            at += part.len();
        }
        Ok(())
    }

    /// Takes bytes.
    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Memory(room) => room[at as usize..][..bytes.len()].copy_from_slice(bytes),
            Self::File(file, folder) => {
                let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes));
                written.map_err(|source| no_room(folder, source))?;
            }
        }
        Ok(())
    }
}

/// Takes the room at once, so that a lack of it shows before any work is done.
#[cfg(target_os = "linux")]
fn reserve(file: &File, bytes: u64) -> std::io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        // Some file systems cannot: there, writing tells.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => file.set_len(bytes),
        reserved => Ok(reserved?),
    }
}

#[cfg(not(any(target_os = "linux", target_family = "wasm")))]
fn reserve(file: &File, bytes: u64) -> std::io::Result<()> {
    file.set_len(bytes)
}

fn no_room(folder: &Path, source: std::io::Error) -> Error {
    Error::Io { action: "keep tensors in a temporary file in", path: folder.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_go_to_files_where_memory_is_short() {
        let within = |spare| -> Vec<Option<usize>> {
            let rooms = make_within(&[5, 1, 3], spare).unwrap();
            let in_memory = |room: &Room| match room {
                Room::Memory(bytes) => Some(bytes.len()),
                Room::File(..) => None,
            };
            rooms.iter().map(in_memory).collect()
        };
        assert_eq!(within(9), [Some(5), Some(1), Some(3)]);
        assert_eq!(within(8), [None, Some(1), Some(3)]);
        assert_eq!(within(4), [None, Some(1), Some(3)]);
        assert_eq!(within(3), [None, Some(1), None]);
        assert_eq!(within(0), [None; 3]);
    }

    #[test]
    fn memory_and_files_give_back_what_they_were_given() {
        for mut room in [Room::in_memory(3 << 20).unwrap(), Room::in_file(3 << 20).unwrap()] {
            let bytes: Vec<u8> = (0..PIECE + 77).map(|i| (i * 31 % 251) as u8).collect();
            room.write(99, &bytes).unwrap();
            let mut back = vec![0; bytes.len()];
            let range = 99..99 + bytes.len() as u64;
            room.read(range, &mut |at, part| back[at..at + part.len()].copy_from_slice(part)).unwrap();
            assert_eq!(back, bytes);
        }
    }
}
