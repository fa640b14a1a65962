//! Which of a file's pages is the photo.

use super::directory::{Directory, File, tag};
use super::{FORMAT, cut_short};
use crate::image::files::ReadOptions;
use crate::image::files::decode::{Note, Problem};
use crate::image::files::sniff::{CAMERA_RAW, FileFormat};

/// More masks and smaller copies than any photo has; what goes beyond is made to keep readers busy.
const MOST_OTHERS: usize = 64;

/// Refuses documents of several pages, and camera raw files, whose first page is a thumbnail. Pages that belong to the
/// photo on the first one, its mask or a smaller copy, are passed over with a word.
pub(super) fn check(
    file: &File,
    first: &Directory,
    bytes: &[u8],
    options: &ReadOptions,
) -> Result<Vec<Note>, Problem> {
    if is_smaller_copy(first) || first.entries.contains_key(&tag::DNG_VERSION) || is_sensor_data(first) {
        let names = FileFormat::names();
        return Err(Problem::Unsupported(format!("it is {CAMERA_RAW}; develop it to {names} first")));
    }
    let mut others = 0;
    for page in file.behind(first) {
        match page {
            Some(page) if others < MOST_OTHERS && (is_smaller_copy(&page) || is_mask(&page)) => others += 1,
            Some(_) => {
                return Err(Problem::Unsupported(
                    "it is a TIFF of several pages; extract the page you want first".to_owned(),
                ));
            }
            None if options.keep_damaged => {}
            None => return Err(cut_short(FORMAT, bytes)),
        }
    }
    let said = |what: String| vec![Note::Info(format!("its first page is read; {what} left out"))];
    Ok(match others {
        0 => Vec::new(),
        1 => said("one page, a mask or a smaller copy, is".to_owned()),
        n => said(format!("{n} pages, masks or smaller copies, are")),
    })
}

/// Whether the page is marked as a smaller copy of another one.
fn is_smaller_copy(page: &Directory) -> bool {
    page.number(tag::NEW_SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1)
        || page.number(tag::SUBFILE_TYPE) == Some(2)
}

/// Whether the page is the transparency of another one.
fn is_mask(page: &Directory) -> bool {
    page.number(tag::NEW_SUBFILE_TYPE).is_some_and(|kind| kind & 4 == 4)
        || page.number(tag::PHOTOMETRIC) == Some(4)
}

/// Whether the samples are a colour filter's or linear sensor values.
fn is_sensor_data(page: &Directory) -> bool {
    matches!(page.number(tag::PHOTOMETRIC), Some(32803 | 34892))
}
