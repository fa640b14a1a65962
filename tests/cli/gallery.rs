//! `--report`: the page of photos before and after.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mprnet::metrics::{self, Protocol};
use percent_encoding::percent_decode_str;

use crate::photos::*;
use crate::{Room, printed, repository};

/// A name that means something to HTML, to URLs and to shells.
const ODD: &str = if cfg!(windows) {
    "größe & 100% #1 写真.png"
} else {
    "größe \"<b>\" & 100% #1? 'a:b' 写真.png"
};

/// A room with the photos `in/ODD` and `in/2.png`, their targets in `target`, a small network `tiny`, and `out` and
/// `pages`.
fn room() -> Room {
    let room = Room::new();
    for name in ["in", "target", "out", "pages"] {
        room.make_directory(name);
    }
    room.put(&format!("in/{ODD}"), &png(sample("noisy.png", 40, 24)));
    room.put(&format!("target/{ODD}"), &png(sample("clean.png", 40, 24)));
    room.put("in/2.png", &png(sample("noisy.png", 16, 180)));
    room.put("target/2.tif", &encode(sample("clean.png", 16, 180), image::ImageFormat::Tiff));
    room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
    room
}

fn odd() -> String {
    format!("in/{ODD}")
}

struct Page {
    folder: PathBuf,
    text: String,
}

/// What follows `before` up to the next quotation mark, everywhere.
fn quoted<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.split(before).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

impl Page {
    fn of(room: &Room, name: &str) -> Page {
        let path = room.path(name);
        let text = std::fs::read_to_string(&path).unwrap();
        Page { folder: path.parent().unwrap().to_owned(), text }
    }

    /// One photo's part of the page.
    fn photos(&self) -> Vec<&str> {
        self.text
            .split("<article class=\"photo\">")
            .skip(1)
            .map(|it| it.split_once("</article>").unwrap().0)
            .collect()
    }

    /// Finds that these links lead to these files.
    #[track_caller]
    fn assert_links(&self, links: &[&str], room: &Room, files: &[&str]) {
        assert_eq!(links.len(), files.len(), "{links:?}");
        for (link, file) in links.iter().zip(files) {
            let path = self.folder.join(&*percent_decode_str(link).decode_utf8().unwrap());
            assert_eq!(path.canonicalize().unwrap(), room.path(file).canonicalize().unwrap(), "{link}");
            assert!(!link.contains(['"', '\'', '<', '&', '?', '#', ':', ' ', '\\']), "{link}");
        }
    }
}

fn pictures(photo: &str) -> Vec<image::DynamicImage> {
    let decode = |text: &str| image::load_from_memory(&BASE64_STANDARD.decode(text).unwrap()).unwrap();
    quoted(photo, "src=\"data:image/webp;base64,").into_iter().map(decode).collect()
}

fn scores(image: &Path, target: &Path, protocol: Protocol) -> [String; 2] {
    let [image, target] = [image, target].map(|path| mprnet::image::read(path).unwrap());
    let score = metrics::score(&image, &target, protocol).unwrap();
    [format!("{:.2}", score.psnr), format!("{:.4}", score.ssim)]
}

/// What the tags of a page make a browser load are pictures inside it: the rest is text, links and one script.
#[track_caller]
fn is_self_contained(page: &Page) {
    let (markup, script) = page.text.split_once("<script>").unwrap();
    let pictures = markup.matches("<img ").count();
    assert_eq!(markup.matches(" src=\"data:image/webp;base64,").count(), pictures);
    assert_eq!(markup.matches(" src=").count(), pictures);
    assert!(
        script.trim_end().ends_with("</script>\n</main>\n</body>\n</html>") && !script.contains("<script")
    );
    for tag in ["<link", "@import", "url(", "<iframe", "http:", "https:", "fetch(", "import("] {
        assert!(!page.text.contains(tag), "{tag}");
    }
}

#[test]
fn photos_before_and_after() {
    let room = room();
    let args = ["restore", &odd(), "in/2.png", "-q", "-o", "out", "--model", "tiny", "--stage", "2"];
    room.run(&[&args[..], &["--report", "pages/report.html", "--target", "target"]].concat()).succeeds();
    let page = Page::of(&room, "pages/report.html");
    is_self_contained(&page);
    let (head, _) = page.text.split_once("<article").unwrap();
    for (name, value) in [("model", "tiny"), ("stage", "2"), ("precision", "f32"), ("photos", "2")] {
        let row = format!("<td class=\"name\">{name}</td><td class=\"name\">{value}</td>");
        assert!(head.contains(&row), "{row}");
    }
    assert!(head.contains(">adapter<") && head.contains(">mean SSIM<"));
    assert_eq!(std::fs::read_dir(page.folder.clone()).unwrap().count(), 1, "something was left");

    let photos = page.photos();
    let files = [(ODD, ODD, (40, 24), (40, 24)), ("2.png", "2.tif", (16, 180), (16, 180))];
    assert_eq!(photos.len(), files.len());
    for (photo, (name, target, size, small)) in photos.iter().zip(files) {
        let shown =
            name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        assert!(photo.contains(&format!("<h2>{shown}</h2>")), "{photo}");
        let [before, after, target] =
            [format!("in/{name}"), format!("out/{name}"), format!("target/{target}")];
        page.assert_links(&quoted(photo, "href=\""), &room, &[&before, &after, &target]);
        page.assert_links(&quoted(photo, "data-before=\""), &room, &[&before]);
        page.assert_links(&quoted(photo, "data-after=\""), &room, &[&after]);
        assert!(photo.contains(&format!("data-width=\"{}\" data-height=\"{}\"", size.0, size.1)));
        let sizes: Vec<_> = pictures(photo).iter().map(|it| (it.width(), it.height())).collect();
        assert_eq!(sizes, [small; 2]);
        let [was, is] =
            [before, after].map(|path| scores(&room.path(&path), &room.path(&target), Protocol::Rgb));
        let figures = format!("PSNR {} → {} dB · SSIM {} → {}", was[0], is[0], was[1], is[1]);
        assert!(photo.contains(&figures), "{figures} is not in {photo}");
    }
}

/// Small pictures are of what was read and of what was written.
#[test]
fn one_photo_without_a_target() {
    let room = Room::with_photo();
    room.put("large.png", &png(smooth(900, 600)));
    room.run(&["deblur", "large.png", "-q", "-o", "out.png", "--stage", "1", "--report", "report.html"])
        .succeeds();
    let page = Page::of(&room, "report.html");
    is_self_contained(&page);
    let [photo] = page.photos()[..] else { panic!("one photo is expected") };
    page.assert_links(&quoted(photo, "href=\""), &room, &["large.png", "out.png"]);
    assert!(photo.contains("<p>900 × 600 pixels</p>") && !page.text.contains("PSNR"));
    let pictures = pictures(photo);
    for (picture, file) in pictures.iter().zip(["large.png", "out.png"]) {
        assert_eq!((picture.width(), picture.height()), (400, 267));
        let whole = room.image(file).into_rgb8();
        for (x, y) in [(20, 20), (200, 130), (380, 250)] {
            let [small, large] =
                [picture.to_rgb8().get_pixel(x, y).0, whole.get_pixel(x * 9 / 4 + 1, y * 9 / 4 + 1).0];
            assert!(
                small.iter().zip(large).all(|(a, b)| a.abs_diff(b) < 12),
                "{file} {x} {y}: {small:?} {large:?}"
            );
        }
    }
}

#[test]
fn what_went_wrong_is_on_the_page() {
    // Windows has no names with angle brackets.
    let (file, shown) = if cfg!(windows) { ("a&b.png", "a&amp;b.png") } else { ("<i>.png", "&lt;i&gt;.png") };
    let [input, target] = ["in", "target"].map(|folder| format!("{folder}/{file}"));
    let room = room();
    room.put(&input, b"no picture");
    room.put("in/low.png", &png(smooth(40, 10)));
    room.put("target/low.png", &png(smooth(40, 10)));
    let args = ["restore", &input, "in/2.png", "in/low.png", "-q", "-o", "out", "--model", "tiny"];
    let run = room.run(&[&args[..], &["--report", "report.html"]].concat());
    assert_eq!(run.code, 1);
    let page = Page::of(&room, "report.html");
    assert!(page.text.contains(&format!("<li>cannot read in/{shown}: ")), "{}", page.text);
    assert_eq!(page.photos().len(), 2);

    // What cannot be scored is not computed either.
    room.put(&target, &png(smooth(8, 8)));
    room.put("target/low.png", &png(smooth(10, 40)));
    let more = ["--overwrite", "--report", "report.html", "--target", "target"];
    let run = room.run(&[&args[..], &more].concat());
    assert_eq!(run.code, 1);
    assert!(run.err.contains("cannot score in/low.png: the image has 40 x 10 pixels"), "{}", run.err);
    assert_eq!(Page::of(&room, "report.html").photos().len(), 1);

    // Nothing to be seen: what was there stays.
    room.put("old.html", b"old");
    room.refuses(
        &["restore", &input, "-o", "out", "--report", "old.html"],
        1,
        &[&format!("cannot read {input}")],
    );
}

#[test]
fn pages_of_evaluations() {
    let room = room();
    let tiny = ["--model", "tiny"];
    room.run(&[&["restore", "in/2.png", "-q", "-o", "out.png"], &tiny[..]].concat()).succeeds();
    let args = ["eval", "in", "target", "-q", "--protocol", "y", "--report", "pages/report.html"];
    let run = room.run(&[&args[..], &tiny].concat()).succeeds();
    assert!(run.out.contains("protocol y"), "{}", run.out);
    let page = Page::of(&room, "pages/report.html");
    is_self_contained(&page);
    let [photo, odd] = page.photos()[..] else { panic!("two photos are expected") };
    let after = "pages/report_files/2.png";
    page.assert_links(&quoted(photo, "href=\""), &room, &["in/2.png", after, "target/2.tif"]);
    assert!(quoted(odd, "data-name=\"")[0].contains("写真"), "natural order");
    assert!(room.image(after) == room.image("out.png"));
    let [was, is] =
        ["in/2.png", after].map(|path| scores(&room.path(path), &room.path("target/2.tif"), Protocol::Y));
    assert!(photo.contains(&format!("PSNR {} → {} dB", was[0], is[0])), "{photo}");
    // The same again goes over it.
    room.run(&[&args[..], &tiny].concat()).succeeds();
}

/// Targets lie as their photos do, and the page is among what is made.
#[test]
fn trees_of_photos() {
    let room = room();
    for folder in ["in/deep", "target/deep"] {
        room.make_directory(folder);
    }
    room.put("in/deep/2.png", &png(sample("noisy.png", 20, 20)));
    room.put("target/deep/2.png", &png(sample("clean.png", 20, 20)));
    let args = ["restore", "in", "-r", "-q", "-o", "made", "--model", "tiny", "--target", "target"];
    room.run(&[&args[..], &["--report", "made/report.html"]].concat()).succeeds();
    let page = Page::of(&room, "made/report.html");
    let name = format!("<h2>{}</h2>", printed("deep/2.png"));
    let deep = page.photos().into_iter().find(|photo| photo.contains(&name));
    let links = quoted(deep.unwrap(), "href=\"");
    page.assert_links(&links, &room, &["in/deep/2.png", "made/deep/2.png", "target/deep/2.png"]);
    assert_eq!(page.photos().len(), 3);
}

#[test]
fn pages_that_cannot_be() {
    let room = room();
    room.make_directory("album.html");
    room.put("a_files", b"a file");
    let two = ["denoise", "in/2.png", "target/2.tif", "-o", "out"];
    let with = |more: &[&'static str]| [&two[..], more].concat();
    room.refuses(&with(&["--report", "in/2.png"]), 2, &["in/2.png would overwrite in/2.png, which is read"]);
    room.refuses(&with(&["--report", "out/2.png"]), 2, &["out/2.png would be written twice"]);
    room.refuses(&with(&["--report", "none/a.html"]), 1, &["there is no directory none; create it first"]);
    room.refuses(&with(&["--report", "album.html"]), 1, &["album.html", "it is a directory"]);
    let targets = ["--report", "a.html", "--target", "target/2.tif"];
    room.refuses(&with(&targets), 2, &["2 photos need a directory of targets, and target/2.tif is none"]);
    room.put("alone.png", &png(smooth(8, 8)));
    let alone = ["denoise", "alone.png", "-o", "out.png", "--report", "a.html", "--target", "target"];
    room.refuses(&alone, 1, &["target", "there is no target for alone.png"]);
    room.refuses(&["eval", "in", "target", "--report", "a.html"], 2, &["a_files is no directory"]);
    room.refuses(&["eval", "in", "target", "--report", "target/2.tif"], 2, &["which is read"]);
}
