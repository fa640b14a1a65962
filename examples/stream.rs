//! Restores frames of 24-bit RGB as they come, and passes them on in order:
//!
//!     ffmpeg -i in.mp4 -f rawvideo -pix_fmt rgb24 - | cargo run --release --example stream -- 640 360 |
//!       ffplay -f rawvideo -pixel_format rgb24 -video_size 640x360 -

use std::io::{self, BufRead, Read, Write};

use mprnet::image::{Channels, Frame, Pixels};
use mprnet::model::{Task, Weights};
use mprnet::pool::{Member, Pool, PoolOptions};
use mprnet::{Cancel, Error, Restorer, RestorerOptions, Result, gpu};

/// The next frame; none at the end of the stream.
fn next(pixels: &Pixels) -> Option<Result<Frame>> {
    let mut bytes = vec![0; pixels.row_stride * pixels.height as usize];
    let mut input = io::stdin().lock();
    let at_end = input.fill_buf().is_ok_and(<[u8]>::is_empty);
    let frame = input.read_exact(&mut bytes);
    let unread = |source| Error::Io { action: "read from", path: "standard input".into(), source };
    (!at_end).then(|| frame.map_err(unread).and_then(|()| Frame::from_slice(&bytes, pixels)))
}

fn main() -> Result<()> {
    let sides: Vec<u32> = std::env::args().skip(1).filter_map(|side| side.parse().ok()).collect();
    let [width, height] = sides[..] else {
        eprintln!("usage: stream WIDTH HEIGHT < frames > frames");
        std::process::exit(2);
    };
    let pixels = Pixels::packed(width, height, Channels::Rgb);
    let open = || {
        let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
        Ok(Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default()))
    };
    let mut pool = Pool::new(vec![Member::new("the GPU", open)])
        .with_options(PoolOptions { ordered: true, ..PoolOptions::default() });
    let (cancel, mut bytes) = (Cancel::new(), vec![0_u8; pixels.row_stride * height as usize]);
    let mut more = true;
    let frames = std::iter::from_fn(|| {
        let frame = more.then(|| next(&pixels)).flatten();
        more = matches!(frame, Some(Ok(_)));
        frame
    });
    pool.restore(frames, &cancel, |number, restored| {
        let mut output = io::stdout().lock();
        match restored.and_then(|frame| frame.write_to_slice(&mut bytes, &pixels)) {
            Err(Error::Cancelled) => {}
            Err(error) => eprintln!("frame {number} is missing: {error}"),
            Ok(()) if output.write_all(&bytes).and_then(|()| output.flush()).is_ok() => {}
            // Nobody reads any more.
            Ok(()) => cancel.cancel(),
        }
    })
}
