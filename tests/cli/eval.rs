//! `mprnet eval`: scores and how they are written, and what cannot be scored.

use std::path::Path;

use mprnet::metrics::{self, Protocol, Score};
use serde_json::Value;

use crate::photos::*;
use crate::{Room, Run, printed, repository};

const WIDTH: u32 = 24;
const HEIGHT: u32 = 16;

/// A room with `in` and `target`: parts of the samples, in which the targets are of another format.
fn room() -> Room {
    let room = Room::new();
    room.make_directory("in");
    room.make_directory("target");
    for (name, turned) in [("2", false), ("10", true)] {
        let part = |file| {
            let part = sample(file, WIDTH, HEIGHT);
            if turned { part.rotate180() } else { part }
        };
        room.put(&format!("in/{name}.png"), &png(part("noisy.png")));
        let target = encode(part("clean.png"), image::ImageFormat::Tiff);
        room.put(&format!("target/{name}.tif"), &target);
    }
    room
}

/// Evaluates with a network that is quick and changes pictures at random.
fn evaluate(room: &Room, more: &[&str]) -> Run {
    let model = repository("golden/tiny.safetensors");
    room.run(&[&["eval", "in", "target", "--model", model.to_str().unwrap()], more].concat())
}

fn score(image: &Path, target: &Path, protocol: Protocol) -> Score {
    let [image, target] = [image, target].map(|path| mprnet::image::read(path).unwrap());
    metrics::score(&image, &target, protocol).unwrap()
}

#[track_caller]
fn assert_score(json: &Value, expected: Score) {
    let (psnr, ssim) = (json["psnr"].as_f64().unwrap(), json["ssim"].as_f64().unwrap());
    assert!(
        (psnr - expected.psnr).abs() < 1e-9 && (ssim - expected.ssim).abs() < 1e-9,
        "{json} {expected:?}"
    );
}

/// The scores are those of the file that `restore` writes.
#[test]
fn json() {
    let room = room();
    let model = repository("golden/tiny.safetensors");
    let restore = ["restore", "in/10.png", "-o", "restored.png", "--model", model.to_str().unwrap()];
    room.run(&restore).succeeds();
    let run = evaluate(&room, &["-q", "-o", "scores.json", "--protocol", "y"]).succeeds();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));

    let scores: Value = serde_json::from_slice(&std::fs::read(room.path("scores.json")).unwrap()).unwrap();
    for (key, value) in [("task", "denoise"), ("protocol", "y"), ("precision", "f32"), ("mode", "global")] {
        assert_eq!(scores[key], value);
    }
    assert_eq!(scores["failed"], Value::Array(vec![]));
    let [two, ten] = &scores["images"].as_array().unwrap()[..] else { panic!("{scores}") };
    assert_eq!((&two["name"], &ten["name"]), (&"2.png".into(), &"10.png".into()));
    assert_eq!((&ten["width"], &ten["height"]), (&WIDTH.into(), &HEIGHT.into()));
    let target = room.path("target/10.tif");
    assert_score(&ten["input"], score(&room.path("in/10.png"), &target, Protocol::Y));
    assert_score(&ten["output"], score(&room.path("restored.png"), &target, Protocol::Y));
    let number = |image: &Value, of: &str, key: &str| image[of][key].as_f64().unwrap();
    for key in ["psnr", "ssim"] {
        let gain = number(ten, "output", key) - number(ten, "input", key);
        assert!((number(ten, "gain", key) - gain).abs() < 1e-9 && gain != 0.0);
        for of in ["input", "output", "gain"] {
            let mean = f64::midpoint(number(two, of, key), number(ten, of, key));
            assert!((number(&scores["mean"], of, key) - mean).abs() < 1e-9, "{scores}");
        }
    }
}

/// Equal pictures have an infinite PSNR, which nothing but CSV and text can write.
#[test]
fn csv_of_equal_pictures() {
    let room = room();
    room.put("target/10.png", &std::fs::read(room.path("in/10.png")).unwrap());
    let run = evaluate(&room, &["--format", "csv"]).succeeds();
    let mut reader = csv::Reader::from_reader(run.out.as_bytes());
    let header =
        "image,width,height,input_psnr,input_ssim,output_psnr,output_ssim,gain_psnr,gain_ssim,failed";
    assert_eq!(reader.headers().unwrap(), header.split(',').collect::<Vec<_>>());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |at: usize| records.iter().map(|record| &record[at]).collect::<Vec<_>>();
    assert_eq!(column(0), ["2.png", "10.png", "mean"]);
    assert_eq!(column(1), ["24", "24", ""]);
    assert_eq!(column(3)[1..], ["inf", "inf"]);
    assert_eq!(column(7)[1..], ["-inf", "-inf"]);
    assert_eq!(column(4)[1], "1.000000");
    let expected = score(&room.path("in/2.png"), &room.path("target/2.tif"), Protocol::Rgb);
    assert_eq!(column(3)[0], format!("{:.4}", expected.psnr));
    assert_eq!(column(4)[0], format!("{:.6}", expected.ssim));
}

/// Programs are told of photos without scores, too.
#[test]
fn csv_of_what_failed() {
    let room = room();
    room.put("in/mean.png", &png(smooth(24, 17)));
    room.put("target/mean.png", &png(smooth(17, 24)));
    let run = evaluate(&room, &["-q", "--format", "csv"]);
    assert_eq!(run.code, 1);
    let mut reader = csv::Reader::from_reader(run.out.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |at: usize| records.iter().map(|record| &record[at]).collect::<Vec<_>>();
    assert_eq!(column(0), ["2.png", "10.png", "mean", "mean.png"]);
    assert_eq!(column(5)[3], "");
    assert!(column(9)[..3] == ["", "", ""] && column(9)[3].contains("17 x 24"), "{:?}", column(9));
}

/// What is told apart is told by which.
#[test]
fn models_in_the_program_are_named() {
    let room = room();
    std::fs::remove_file(room.path("in/10.png")).unwrap();
    let run = room.run(&["eval", "in", "target", "-q", "--task", "derain", "--model", "deblur"]).succeeds();
    assert!(run.out.starts_with("task derain, model deblur (embedded), protocol y"), "{}", run.out);
}

/// Scores are of what is seen: the same photo in linear light is the same photo, and so it is in strips.
#[test]
fn linear_light() {
    let room = Room::new();
    ["in", "target", "strips"].iter().for_each(|name| room.make_directory(name));
    let photo = sample("clean.png", WIDTH, HEIGHT).into_rgb8();
    let light = |value: f32| match value {
        value if value <= 0.04045 => value / 12.92,
        value => ((value + 0.055) / 1.055).powf(2.4),
    };
    let units = photo.as_raw().iter().map(|&v| light(f32::from(v) / 255.0)).collect();
    let linear = image::Rgb32FImage::from_raw(WIDTH, HEIGHT, units).unwrap();
    room.put("in/a.tif", &encode(linear.clone(), image::ImageFormat::Tiff));
    room.put("target/a.tif", &encode(linear, image::ImageFormat::Tiff));
    let unchanged = ["-q", "--linear", "--strength", "0", "--format", "json", "--compare", "strips"];
    let json: Value = serde_json::from_str(&evaluate(&room, &unchanged).succeeds().out).unwrap();
    assert_eq!(json["images"][0]["output"]["psnr"], "inf", "{json}");
    let strip = room.image("strips/a.png").into_rgb8();
    assert_eq!(strip.get_pixel(0, strip.height() - 1), photo.get_pixel(0, HEIGHT - 1));

    // The library knows what each is by itself.
    let seen = mprnet::image::Frame::from_rgb8(WIDTH, HEIGHT, photo.into_raw()).unwrap();
    let options = mprnet::image::ReadOptions { linear: true, ..Default::default() };
    let linear = mprnet::image::read_with(&room.path("in/a.tif"), &options).unwrap();
    for protocol in [Protocol::Rgb, Protocol::Y] {
        let score = metrics::score(&linear, &seen, protocol).unwrap();
        assert_eq!((score.psnr, score.ssim), (f64::INFINITY, 1.0), "{protocol:?}");
    }
}

/// A photo without room for a window of SSIM is restored, though its page has no figures for it.
#[test]
fn a_page_with_a_photo_that_is_too_small_to_be_scored() {
    let room = Room::new();
    for name in ["small.png", "target.png"] {
        room.put(name, &png(smooth(8, 9)));
    }
    let args =
        ["derain", "-q", "small.png", "-o", "out.png", "--report", "page.html", "--target", "target.png"];
    room.run(&args).succeeds();
    assert_eq!(room.image("out.png").height(), 9);
    let page = std::fs::read_to_string(room.path("page.html")).unwrap();
    assert!(!page.contains("PSNR"), "{page}");
}

/// A model file says what it is for, and so how it is judged.
#[test]
fn protocol_of_the_model() {
    let room = room();
    std::fs::remove_file(room.path("in/10.png")).unwrap();
    let model = repository("models/derain.safetensors");
    let run = room.run(&["eval", "in", "target", "-q", "--model", model.to_str().unwrap()]).succeeds();
    assert!(run.out.starts_with("task derain, model ") && run.out.contains("protocol y"), "{}", run.out);
}

/// Those that cannot be scored cost the others nothing, and what is no image is none of them.
#[test]
fn table_of_what_could_be_scored() {
    let room = room();
    room.put("in/3.png", &png(smooth(24, 17))[..60]);
    room.put("target/3.png", &png(smooth(24, 17)));
    room.put("in/4.png", &png(smooth(24, 17)));
    room.put("target/4.png", &png(smooth(17, 24)));
    room.put("in/5.png", &png(smooth(10, 40)));
    room.put("target/5.png", &png(smooth(10, 40)));
    for name in ["in/notes.txt", "in/.DS_Store", "in/._2.png"] {
        room.put(name, b"Dear all");
    }
    room.make_directory("in/album.png");
    let run = evaluate(&room, &["--task", "derain"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let errors: Vec<&str> = run.err.lines().filter(|line| line.starts_with("error: ")).collect();
    let words = [
        ["cannot read in/3.png", "cut short"],
        ["cannot score in/4.png", "24 x 17 pixels and its target 17 x 24"],
        ["cannot score in/5.png", "10 x 40; choose larger"],
    ];
    assert_eq!(errors.len(), words.len(), "{}", run.err);
    for (error, words) in errors.iter().zip(words) {
        assert!(words.iter().all(|word| error.contains(&printed(word))), "{error}");
    }
    assert!(run.err.contains("the means are over 2 of 5 images"), "{}", run.err);

    let lines: Vec<&str> = run.out.lines().collect();
    assert!(lines[0].starts_with("task derain, model ") && lines[0].contains("protocol y"), "{}", lines[0]);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        words(lines[2]),
        ["image", "size", "PSNR", "restored", "gain", "SSIM", "restored", "gain"],
        "{}",
        run.out
    );
    let (two, mean) = (words(lines[3]), words(lines[5]));
    let expected = score(&room.path("in/2.png"), &room.path("target/2.tif"), Protocol::Y);
    assert_eq!(two[..3], ["2.png".to_owned(), "24x16".to_owned(), format!("{:.2}", expected.psnr)]);
    assert_eq!(two[5], format!("{:.4}", expected.ssim));
    assert!(lines[4].starts_with("10.png ") && lines.len() == 6, "{}", run.out);
    assert_eq!(mean[..5].join(" "), "mean of 2 of 5");
}

#[test]
fn nothing_can_be_scored() {
    let room = Room::new();
    room.make_directory("in");
    room.put("in/a.png", &png(smooth(24, 17))[..60]);
    let unread = printed("cannot read in/a.png");
    room.refuses(&["eval", "in", "in"], 1, &[&unread, "cut short"]);
    room.put("scores.txt", b"an earlier run's");
    room.run(&["eval", "in", "in", "-o", "scores.txt"]).fails(1, &[&unread]);
    assert!(!std::fs::read_to_string(room.path("scores.txt")).unwrap().contains("earlier"));
    // Programs are told all the same, and find no scores of an earlier run.
    room.put("scores.json", b"an earlier run's");
    let run = room.run(&["eval", "in", "in", "-o", "scores.json"]);
    assert!(run.code == 1 && run.err.contains(&unread), "{}", run.err);
    let scores: Value = serde_json::from_slice(&std::fs::read(room.path("scores.json")).unwrap()).unwrap();
    assert_eq!(scores["mean"], Value::Null);
    assert_eq!(scores["failed"].as_array().map(Vec::len), Some(1));
}

#[test]
fn directories_without_images() {
    let room = room();
    room.make_directory("empty");
    room.put("empty/notes.txt", b"Dear all");
    let refused = |args: [&str; 2], words: &[&str]| room.refuses(&[&["eval"], &args[..]].concat(), 1, words);
    refused(["none", "target"], &["the images in none", "no such directory"]);
    refused(["in", "none"], &["the images in none", "no such directory"]);
    refused(["in/2.png", "target"], &["in/2.png", "it is no directory"]);
    refused(["empty", "target"], &["the images in empty", "PNG, JPEG, WebP and TIFF"]);
    refused(["in", "empty"], &["the images in empty"]);
}

#[test]
fn inputs_without_targets() {
    let room = room();
    std::fs::remove_file(room.path("target/2.tif")).unwrap();
    let named = printed("no target for in/2.png;");
    let words = ["the images in target", &named, "names of their inputs"];
    room.refuses(&["eval", "in", "target"], 1, &words);
    for name in 11..16 {
        room.put(&format!("in/{name}.png"), &png(smooth(12, 12)));
    }
    let named = printed("for in/2.png, in/11.png, in/12.png, in/13.png, in/14.png and 1 more;");
    room.refuses(&["eval", "in", "target"], 1, &[&named]);
}

#[test]
fn two_targets_of_one_name() {
    let room = room();
    room.put("target/2.jpg", &png(smooth(WIDTH, HEIGHT)));
    let target = printed("the target of in/2.png; leave one");
    room.refuses(&["eval", "in", "target"], 1, &["both", "2.jpg", "2.tif", &target]);
}

#[test]
fn scores_over_what_is_read() {
    let room = room();
    for (out, read) in [("in/2.png", "in/2.png"), ("./target/10.tif", "target/10.tif")] {
        let words = [&format!("would overwrite {}, which is read", printed(read))[..]];
        room.refuses(&["eval", "in", "target", "-o", out], 2, &words);
    }
    room.refuses(&["eval", "in", "target", "-o", "none/a.csv"], 1, &["no directory none"]);
}

#[test]
fn options_of_another_kind() {
    let room = room();
    for args in [["--task", "dehaze"], ["--protocol", "yuv"], ["--format", "xml"]] {
        room.refuses(&[&["eval", "in", "target"], &args[..]].concat(), 2, &[args[0], args[1]]);
    }
}

#[test]
fn strips() {
    let room = room();
    room.make_directory("strips");
    evaluate(&room, &["-q", "--compare", "strips", "--device", "all"]).succeeds();
    let target = |name: &str| image::open(room.path(name)).unwrap().to_rgb8();
    for name in ["2", "10"] {
        let (strip, target) =
            (room.image(&format!("strips/{name}.png")).to_rgb8(), target(&format!("target/{name}.tif")));
        let top = strip.height() - HEIGHT;
        let here = |left: u32| {
            let mut pixels = target.enumerate_pixels();
            pixels.all(|(x, y, pixel)| strip.get_pixel(left + x, top + y) == pixel)
        };
        // Columns may be wider than their panels, for the labels.
        let found: Vec<u32> = (0..=strip.width() - WIDTH).filter(|&left| here(left)).collect();
        assert!(matches!(found[..], [left] if left >= 2 * WIDTH), "{name}: {found:?}");
    }
}

/// The folder of --compare may be meant as that of the targets.
#[test]
fn strips_replace_nothing_unasked() {
    let room = room();
    room.make_directory("strips");
    room.put("strips/10.png", b"a photo");
    let model = repository("golden/tiny.safetensors");
    let eval = ["eval", "in", "target", "--model", model.to_str().unwrap(), "--compare", "strips"];
    room.refuses(&eval, 2, &["10.png exists already", "--overwrite"]);
    assert_eq!(std::fs::read(room.path("strips/10.png")).unwrap(), b"a photo");
    evaluate(&room, &["-q", "--compare", "strips", "--overwrite"]).succeeds();
}

#[test]
fn strips_that_cannot_be_written() {
    let room = room();
    let model = repository("golden/tiny.safetensors");
    let eval = ["eval", "in", "target", "--model", model.to_str().unwrap(), "--compare"];
    room.refuses(&[&eval[..], &["nowhere"]].concat(), 2, &["--compare", "nowhere", "make it first"]);
    room.refuses(&[&eval[..], &["in"]].concat(), 2, &["would overwrite", "choose another output"]);
}

/// What stands in the way of a strip is found before any GPU is opened, and costs the other photos nothing.
#[test]
fn strips_over_directories() {
    let room = room();
    std::fs::create_dir_all(room.path("strips/2.png")).unwrap();
    let run = evaluate(&room, &["-q", "--compare", "strips", "-o", "scores.csv"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert_eq!(std::fs::read_to_string(room.path("scores.csv")).unwrap().lines().count(), 4);
    std::fs::remove_file(room.path("in/10.png")).unwrap();
    let words = [&printed("cannot write strips/2.png")[..], "it is a directory"];
    room.refuses(&["eval", "in", "target", "--compare", "strips"], 1, &words);
}
