//! Videos through the program, made and read by ffmpeg.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use image::RgbImage;
use mprnet::model::{Export, Weights};

use crate::overflowing::changed;
use crate::photos::{png, sample};
use crate::{Room, Run, repository};

/// A room with a network that changes nothing, `same.safetensors`.
fn room() -> Room {
    let weights = Weights::read(&repository("golden/checkpoints/micro.safetensors")).unwrap();
    let same = changed(&weights, |key, _| if key.starts_with("tail.") { 0.0 } else { 1.0 });
    let room = Room::new();
    room.put("same.safetensors", &same.to_safetensors(&Export::default()).unwrap());
    room
}

/// Nothing installs it on Windows, where alone it may be missing.
fn has_ffmpeg() -> bool {
    let there = !cfg!(windows) || Command::new("ffmpeg").arg("-version").output().is_ok();
    if !there {
        println!("skipped: there is no ffmpeg");
    }
    there
}

/// Runs a program of ffmpeg's and gives what it says: the result on standard output, and everything else.
fn tool(room: &Room, name: &str, args: &[&str]) -> (String, String) {
    let output = Command::new(name).args(args).current_dir(room.path(".")).output();
    let output = output.unwrap_or_else(|e| panic!("{name}: {e}; tools/test.sh installs it"));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{name} {args:?}: {err}");
    (out, err)
}

/// A stream of what `input` describes to ffmpeg, as these options have it.
fn make(room: &Room, name: &str, input: &[&str], options: &[&str]) {
    let end = ["-f", "yuv4mpegpipe", "-strict", "-1", "-y", name];
    tool(room, "ffmpeg", &[input, options, &end].concat());
}

/// As ffmpeg reads it, by its filter `psnr`: mean over all samples, in dB.
fn psnr(room: &Room, a: &str, b: &str) -> f64 {
    let (_, err) = tool(room, "ffmpeg", &["-i", a, "-i", b, "-lavfi", "psnr", "-f", "null", "-"]);
    let (_, rest) = err.split_once("average:").unwrap_or_else(|| panic!("{err}"));
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

fn probe(room: &Room, name: &str) -> String {
    let entries = "stream=pix_fmt,width,height,sample_aspect_ratio,r_frame_rate,nb_read_frames";
    let args = ["-v", "error", "-count_frames", "-show_entries", entries, "-of", "default=nw=1", name];
    tool(room, "ffprobe", &args).0
}

const SAME: [&str; 3] = ["restore", "--model", "same.safetensors"];

/// Runs the program with a stream at its standard input, and gives what it has written to its standard output.
fn pipe(room: &Room, args: &[&str], stream: &[u8]) -> (Vec<u8>, Run) {
    let all = [args, &["--y4m", "-", "-o", "-"]].concat();
    let mut command = room.command(all);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut input, bytes) = (child.stdin.take().unwrap(), stream.to_vec());
    // It may end before it has read everything.
    let feeding = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    (output.stdout, Run { code: output.status.code().unwrap_or(-1), out: String::new(), err })
}

#[test]
fn a_moving_picture_stays_what_it_is() {
    if !has_ffmpeg() {
        return;
    }
    let room = room();
    let source = ["-f", "lavfi", "-i", "testsrc2=s=176x144:r=30000/1001,setsar=8/9"];
    for (pixels, site) in [
        ("yuv420p", "left"),
        ("yuv420p", "center"),
        ("yuv420p10le", "left"),
        ("yuv444p", "left"),
        ("yuv444p10le", "left"),
    ] {
        let options = ["-frames:v", "3", "-pix_fmt", pixels, "-chroma_sample_location", site];
        make(&room, "in.y4m", &source, &options);
        room.run(&[&SAME[..], &["--y4m", "in.y4m", "-o", "out.y4m"]].concat()).succeeds();
        let (before, after) = (probe(&room, "in.y4m"), probe(&room, "out.y4m"));
        for words in [pixels, "=8:9", "=30000/1001", "nb_read_frames=3"] {
            assert!(before.contains(words), "{words} is not in: {before}");
        }
        assert_eq!(before, after);
        let [before, after] = ["in.y4m", "out.y4m"].map(|name| std::fs::read(room.path(name)).unwrap());
        assert!(before == after, "{pixels} {site}");
    }
}

/// Patches of all colours with five values each of red, green and blue: 25 in a row, 16 pixels a side.
fn chart() -> RgbImage {
    RgbImage::from_fn(400, 80, |x, y| {
        let (column, row) = (x / 16, y / 16);
        image::Rgb([column % 5, column / 5, row].map(|level| (level * 255 / 4) as u8))
    })
}

/// The samples of a stream of one frame.
fn samples(bytes: &[u8], deep: bool) -> Vec<u16> {
    let mut parts = bytes.splitn(3, |&byte| byte == b'\n');
    let (Some(_), Some(b"FRAME"), Some(samples)) = (parts.next(), parts.next(), parts.next()) else {
        panic!("no frame")
    };
    if deep {
        samples.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
    } else {
        samples.iter().map(|&sample| u16::from(sample)).collect()
    }
}

#[test]
fn flat_patches_stay_within_a_level() {
    if !has_ffmpeg() {
        return;
    }
    let room = room();
    room.put("chart.png", &png(chart()));
    for (pixels, site, options) in [
        ("yuv420p", "left", &[][..]),
        ("yuv420p", "topleft", &["--matrix", "709", "--range", "full"]),
        ("yuv422p", "left", &["--matrix", "2020"]),
        ("yuv420p10le", "left", &[]),
        ("yuv444p", "left", &[]),
        ("yuv444p12le", "left", &[]),
        ("yuv420p16le", "left", &[]),
    ] {
        // What ffmpeg is told here is what the program is told, or what it takes where nothing is said.
        let matrix = options.get(1).map_or("bt601", |name| if *name == "709" { "bt709" } else { "bt2020" });
        let range = if options.contains(&"full") { "pc" } else { "tv" };
        let filter = format!("scale=out_color_matrix={matrix}:out_range={range}");
        let made = ["-vf", &filter, "-pix_fmt", pixels, "-chroma_sample_location", site];
        make(&room, "in.y4m", &["-i", "chart.png"], &made);
        room.run(&[&SAME[..], &["--y4m", "in.y4m", "-o", "out.y4m"], options].concat()).succeeds();
        let deep = pixels.ends_with("le");
        let [before, after] =
            ["in.y4m", "out.y4m"].map(|name| samples(&std::fs::read(room.path(name)).unwrap(), deep));
        assert_eq!(before.len(), after.len());
        let (columns, rows) = match &pixels[..6] {
            "yuv420" => (200, 40),
            "yuv422" => (200, 80),
            _ => (400, 80),
        };
        let mut planes = String::new();
        let mut start = 0;
        for (width, height) in [(400, 80), (columns, rows), (columns, rows)] {
            let (patch_width, patch_height) = (width / 25, height / 5);
            // Three samples from the edges of a patch on, chroma of the next one is in none of them.
            let flat = |i: usize, side: usize| (3..side - 3).contains(&(i % side));
            let inside =
                (0..width * height).filter(|i| flat(i % width, patch_width) && flat(i / width, patch_height));
            let apart = inside.map(|i| before[start + i].abs_diff(after[start + i])).max().unwrap();
            write!(planes, "{apart} ").unwrap();
            assert!(apart <= 1, "{pixels} {site}: {apart} levels in the plane at {start}");
            start += width * height;
        }
        assert_eq!(start, before.len());
        println!("{pixels} {site}: {planes}levels");
    }
}

/// Only what a network changes shows whether its colours were the right ones.
#[test]
fn a_video_is_restored_as_a_photo_is() {
    if !has_ffmpeg() {
        return;
    }
    let room = room();
    room.put("noisy.png", &png(sample("noisy.png", 96, 64)));
    room.run(&["denoise", "noisy.png", "-o", "photo.png"]).succeeds();
    for (matrix, named, range, called) in
        [("601", "bt601", "studio", "tv"), ("709", "bt709", "full", "pc"), ("2020", "bt2020", "studio", "tv")]
    {
        let coding = |way: &str| format!("scale={way}_color_matrix={named}:{way}_range={called}");
        make(&room, "in.y4m", &["-i", "noisy.png"], &["-vf", &coding("out"), "-pix_fmt", "yuv444p10le"]);
        let options = ["--matrix", matrix, "--range", range];
        room.run(&[&["denoise", "--y4m", "in.y4m", "-o", "out.y4m"], &options[..]].concat()).succeeds();
        let back = coding("in");
        tool(&room, "ffmpeg", &["-y", "-i", "out.y4m", "-vf", &back, "-pix_fmt", "rgb24", "frame.png"]);
        let restored = psnr(&room, "frame.png", "photo.png");
        let untouched = psnr(&room, "frame.png", "noisy.png");
        println!("{matrix}, {range}: {restored:.2} dB from the photo, {untouched:.2} from what it was");
        // ffmpeg goes to colours and back in whole numbers; another matrix leaves 53 dB or less.
        assert!(restored > 55.0 && untouched < 32.0, "{matrix}: {restored} dB, {untouched} dB");
    }
}

/// A stream of small grey frames, each of one value.
fn grey(header: &str, frames: u8) -> Vec<u8> {
    let frame = |value: u8| [&b"FRAME\n"[..], &[100 + value; 64]].concat();
    [format!("{header}\n").into_bytes(), (0..frames).flat_map(frame).collect()].concat()
}

const HEADER: &str = "YUV4MPEG2 W8 H8 F24000:1001 Ip A4:3 Cmono XCOLORRANGE=FULL XWHATEVER";

#[test]
fn a_pipe_gets_what_the_header_said() {
    let stream = grey(HEADER, 7);
    let (out, run) = pipe(&room(), &SAME, &stream);
    let run = run.succeeds();
    assert!(out == stream, "{:?}", String::from_utf8_lossy(&out[..80]));
    assert!(run.err.lines().last().unwrap().starts_with("standard input: 7 frames in "), "{}", run.err);
    assert!(!run.err.contains("note: "), "{}", run.err);
    let (out, run) = pipe(&room(), &[&SAME[..], &["-q"]].concat(), &stream);
    assert!(out == stream && run.succeeds().err.is_empty());
}

#[test]
fn what_is_taken_for_granted_is_said_once() {
    let room = room();
    let colours = "YUV4MPEG2 W4 H4 C444";
    let frames = [&b"FRAME\n"[..], &[99; 48]].concat().repeat(3);
    for (header, options, note) in [
        (colours, &[][..], Some("it is read with --matrix 601 --range studio")),
        (colours, &["--range", "full"], Some("it is read with --matrix 601")),
        (colours, &["--range", "full", "--matrix", "2020"], None),
        ("YUV4MPEG2 W4 H4 C444 XCOLORRANGE=FULL", &["--matrix", "709"], None),
        (
            "YUV4MPEG2 W4 H4 C444 XCOLORRANGE=FULL",
            &["--range", "studio", "--matrix", "709"],
            Some("says which range it has; it is read with --range full"),
        ),
    ] {
        let stream = [format!("{header}\n").as_bytes(), &frames].concat();
        let (out, run) = pipe(&room, &[&SAME, options].concat(), &stream);
        let run = run.succeeds();
        assert!(out == stream);
        let notes: Vec<&str> = run.err.lines().filter(|line| line.starts_with("note: ")).collect();
        match note {
            Some(note) => assert!(matches!(notes[..], [one] if one.ends_with(note)), "{notes:?}"),
            None => assert!(notes.is_empty(), "{notes:?}"),
        }
    }
}

#[test]
fn a_reader_that_has_seen_enough() {
    let room = room();
    let mut command = room.command([&SAME[..], &["--y4m", "-", "-o", "-"]].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&grey(HEADER, 1)).unwrap();
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 80]).unwrap();
    drop(output);
    // Frames come for as long as they are taken, and none after that: nothing is to wait for them.
    let frame = [&b"FRAME\n"[..], &[50; 64]].concat();
    for _ in 0..20 {
        let _ = input.write_all(&frame);
    }
    let status = child.wait().unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(status.success() && !err.contains("error"), "{err}");
    drop(input);
}

#[test]
fn what_is_cut_short_is_no_file() {
    let room = room();
    let stream = grey(HEADER, 3);
    let cut = &stream[..stream.len() - 10];
    room.put("cut.y4m", cut);
    let words = ["cannot read the video from cut.y4m", "frame 3 is cut short, 54 bytes of 64"];
    let before = room.contents();
    room.run(&[&SAME[..], &["--y4m", "cut.y4m", "-o", "out.y4m"]].concat()).fails(1, &words);
    assert!(before == room.contents(), "something was left in the directory");
    // A pipe has had what was whole.
    let (out, run) = pipe(&room, &SAME, cut);
    run.fails(1, &["standard input", "frame 3"]);
    assert!(stream.starts_with(&out) && out.len() == stream.len() - 70);
}

/// As where ffmpeg was told to begin behind the end: what an earlier run made stays.
#[test]
fn a_video_without_frames() {
    let room = room();
    room.put("none.y4m", &grey(HEADER, 0));
    room.put("out.y4m", b"earlier");
    let before = room.contents();
    let run = room.run(&[&SAME[..], &["--y4m", "none.y4m", "-o", "out.y4m"]].concat());
    run.fails(1, &["none.y4m", "there is no frame in it", "what ended the program"]);
    assert!(before == room.contents());
}

/// Debug builds alone can be told to panic.
#[test]
#[cfg(debug_assertions)]
fn a_panic_about_one_frame() {
    let room = room();
    room.put("in.y4m", &grey(HEADER, 3));
    let before = room.contents();
    let mut command = room.command([&SAME[..], &["--y4m", "in.y4m", "-o", "out.y4m"]].concat());
    let run = Run::of(command.env("MPRNET_INJECT_PANIC", "frame 2 of in.y4m"));
    run.fails(1, &["cannot restore frame 2 of in.y4m: the program failed on it", "please report it"]);
    assert!(before == room.contents(), "something was left in the directory");
}

#[test]
fn what_is_refused() {
    if !has_ffmpeg() {
        return;
    }
    let room = room();
    let source = ["-f", "lavfi", "-i", "testsrc2=s=32x32"];
    make(&room, "in411.y4m", &source, &["-frames:v", "1", "-pix_fmt", "yuv411p"]);
    make(&room, "fields.y4m", &source, &["-frames:v", "1", "-field_order", "tt"]);
    room.put("photo.png", &png(sample("noisy.png", 8, 8)));
    let refuses = |args: &[&str], code, words: &[&str]| {
        room.refuses(&[&["denoise", "-o", "out.y4m"], args].concat(), code, words);
    };
    for (name, kind) in [("out.png", "a photo"), ("out.mp4", "another kind of video")] {
        let words = ["--y4m writes a YUV4MPEG2 stream", name, kind];
        room.refuses(&["denoise", "--y4m", "in411.y4m", "-o", name], 2, &words);
    }
    refuses(&["--y4m", "in411.y4m"], 1, &["cannot read the video from in411.y4m", "411", "-pix_fmt yuv444p"]);
    refuses(&["--y4m", "fields.y4m"], 1, &["fields.y4m", "interlaced", "bwdif"]);
    refuses(&["--y4m", "photo.png"], 1, &["photo.png", "no YUV4MPEG2 stream", "-f yuv4mpegpipe"]);
    refuses(&["--y4m", "none.y4m"], 1, &["cannot read none.y4m"]);
    refuses(&["--y4m", "."], 1, &["cannot read ."]);
    for args in [
        &["--y4m", "in411.y4m", "photo.png"][..],
        &["--y4m", "in411.y4m", "--format", "png"],
        &["--y4m", "in411.y4m", "-j", "2:2:2"],
        &["--y4m", "in411.y4m", "--compare", "strip.png"],
        &["--matrix", "601", "photo.png"],
        &["--range", "full", "photo.png"],
        &["--range", "full", "-i", "photo.png"],
    ] {
        refuses(args, 2, &["cannot be used with"]);
    }
    room.refuses(&["denoise", "--y4m", "fields.y4m", "-o", "fields.y4m"], 2, &["fields.y4m, which is read"]);
    assert!(!room.path("out.y4m").exists());
}
