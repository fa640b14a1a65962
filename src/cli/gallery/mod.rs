//! `--report`: photos before and after, in a page for the eye.

mod link;

use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::image::{self, Frame};
use crate::metrics::{Protocol, Score};
use crate::{Error, Shown, output};

use super::html::{cell, document_with, element, escape, table};

/// Pixels a side of the pictures inside the page.
const SIDE: u32 = 400;

const STYLE: &str = concat!(
    "h2 { overflow-wrap: anywhere; font-size: 1em; margin: 0 0 .4em; }\n\
     .photos { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22em, 100%), 1fr)); gap: 1.5em; \
         margin-top: 2em; align-items: start; }\n\
     .photo { min-width: 0; content-visibility: auto; contain-intrinsic-size: auto 24em; }\n\
     .photo:has(.opened) { grid-column: 1 / -1; } .photo p { margin: .3em 0; color: #555; }\n\
     .failed { color: #a00; overflow-wrap: anywhere; }\n",
    include_str!("slider.css")
);
const SCRIPT: &str = include_str!("slider.js");
const NOTE: &str = "Drag over a photo, or press the arrow keys on it, to move the line between before and after. The loupe \
    shows both at 100%, one pixel of the photo on one pixel of the screen; it reads the files that the links lead to.";

/// A page in the making.
pub(super) struct Gallery<'a> {
    path: &'a Path,
    /// What is scored, where photos have targets.
    protocol: Protocol,
    cards: String,
    photos: usize,
    scores: Vec<(Score, Score)>,
    failed: String,
}

/// A picture and its file.
#[derive(Clone, Copy)]
pub(super) struct Picture<'a> {
    pub(super) frame: &'a Frame,
    pub(super) path: &'a Path,
}

/// What a photo should be, and how near it has come before and after.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) path: &'a Path,
    pub(super) before: Score,
    pub(super) after: Score,
}

impl<'a> Gallery<'a> {
    pub(super) fn new(path: &'a Path, protocol: Protocol) -> Self {
        let (cards, failed) = (String::new(), String::new());
        Self { path, protocol, cards, photos: 0, scores: Vec::new(), failed }
    }

    /// Adds a photo of this name, whose files are to be there.
    pub(super) fn add(
        &mut self,
        name: &Path,
        before: Picture<'_>,
        after: Picture<'_>,
        target: Option<Target<'_>>,
    ) -> Result<(), Error> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let [before_url, after_url] = [before, after].map(|picture| link::relative(picture.path, folder));
        let name = escape(&Shown(name.display()).to_string());
        let (width, height) = (after.frame.width(), after.frame.height());
        let images = [small("before", before.frame)?, small("after", after.frame)?].concat();
        let mut links = format!("<a href=\"{before_url}\">before</a> · <a href=\"{after_url}\">after</a>");
        let mut figures = format!("{width} × {height} pixels");
        if let Some(Target { path, before, after }) = target {
            let _ = write!(links, " · <a href=\"{}\">target</a>", link::relative(path, folder));
            let _ = write!(figures, " · PSNR {} · SSIM {}", psnr(before, after), ssim(before, after));
            self.scores.push((before, after));
        }
        let _ = write!(
            self.cards,
            "<article class=\"photo\">\n<h2>{name}</h2>\n<div class=\"compare\" data-name=\"{name}\" \
             data-before=\"{before_url}\" data-after=\"{after_url}\" data-width=\"{width}\" data-height=\"{height}\">\n\
             {images}</div>\n<p>{figures}</p>\n<p>{links}</p>\n</article>\n"
        );
        self.photos += 1;
        Ok(())
    }

    /// Adds a photo that there is no result for.
    pub(super) fn add_failed(&mut self, reason: &str) {
        self.failed += &(element("li", "", &Shown(reason).to_string()) + "\n");
    }

    /// Writes the page, if there is anything to be seen; `settings` are names and values.
    pub(super) fn write(&self, title: &str, settings: &[(&str, String)]) -> Result<(), Error> {
        if self.photos == 0 {
            return Ok(());
        }
        let settings = settings.iter().cloned().chain(self.means());
        let rows =
            settings.map(|(name, value)| cell("name", name) + &cell("name", &Shown(value).to_string()));
        let mut body = format!("{}\n{}", element("h1", "", title), table(None, rows));
        if !self.failed.is_empty() {
            let _ = write!(body, "<h2>Not restored</h2>\n<ul class=\"failed\">\n{}</ul>\n", self.failed);
        }
        let _ = write!(
            body,
            "<p class=\"note\">{NOTE}</p>\n<div class=\"photos\">\n{}</div>\n<script>\n{SCRIPT}</script>\n",
            self.cards
        );
        output::write(self.path, document_with(title, STYLE, &body).as_bytes())
    }

    /// What is told of all photos together.
    fn means(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("photos", self.photos.to_string())];
        let (before, after): (Vec<Score>, Vec<Score>) = self.scores.iter().copied().unzip();
        if let (Some(before), Some(after)) = (Score::mean(&before), Score::mean(&after)) {
            rows.push(("scores", format!("{}, before → after", self.protocol.name())));
            rows.push(("mean PSNR", psnr(before, after)));
            rows.push(("mean SSIM", ssim(before, after)));
        }
        rows
    }
}

/// A picture inside the page, which is decoded when it is about to be seen.
fn small(side: &str, frame: &Frame) -> Result<String, Error> {
    let bytes = BASE64_STANDARD.encode(image::thumbnail(frame, SIDE)?);
    Ok(format!(
        "<img class=\"{side}\" alt=\"{side}\" loading=\"lazy\" decoding=\"async\" src=\"data:image/webp;base64,{bytes}\">\n"
    ))
}

fn psnr(before: Score, after: Score) -> String {
    format!("{:.2} → {:.2} dB", before.psnr, after.psnr)
}

fn ssim(before: Score, after: Score) -> String {
    format!("{:.4} → {:.4}", before.ssim, after.ssim)
}
