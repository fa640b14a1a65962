//! The approximate mode: a photo in tiles.

use mprnet::image::Frame;
use mprnet::model::{Mode, Stage, Weights};
use mprnet::{Error, Restorer, RestorerOptions};

use crate::common::golden_path;
use crate::host_device;
use crate::restorer::{bytes, difference, photo};

fn tiny(options: RestorerOptions) -> Restorer {
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    Restorer::new(weights, host_device(), options)
}

fn tiled(tile: u32, overlap: u32) -> RestorerOptions {
    RestorerOptions { mode: Mode::Tiled { tile, overlap }, ..RestorerOptions::default() }
}

fn part(photo: &Frame, left: u32, top: u32, side: u32) -> Frame {
    let pixel = |x: u32, y: u32| {
        let at = 3 * (y * photo.width() + x) as usize;
        bytes(photo)[at..at + 3].to_vec()
    };
    let rgb = (top..top + side).flat_map(|y| (left..left + side).flat_map(move |x| pixel(x, y))).collect();
    Frame::from_rgb8(side, side, rgb).unwrap()
}

#[test]
fn a_photo_no_larger_than_a_tile_comes_out_exactly() {
    let whole = tiny(RestorerOptions::default());
    let tiles = tiny(tiled(48, 8));
    for (width, height) in [(48, 48), (17, 48), (1, 1)] {
        let noisy = photo(width, height);
        assert!(tiles.restore(&noisy).unwrap() == whole.restore(&noisy).unwrap(), "{width}x{height}");
    }
}

/// What no neighbour reaches is what the tile is by itself.
#[test]
fn a_tile_is_restored_by_itself() {
    let (whole, tiles) = (tiny(RestorerOptions::default()), tiny(tiled(32, 8)));
    let noisy = photo(75, 53);
    let restored = tiles.restore(&noisy).unwrap();
    assert_eq!((restored.width(), restored.height()), (75, 53));
    // Tiles begin at columns 0, 21 and 43, and at rows 0 and 21.
    for (left, top, inner) in [(0, 0, (0, 0)), (43, 21, (13, 13))] {
        let alone = whole.restore(&part(&noisy, left, top, 32)).unwrap();
        let of = |frame: &Frame, x, y| part(frame, x + inner.0, y + inner.1, 18);
        assert!(difference(&of(&alone, 0, 0), &of(&restored, left, top)) <= 1, "{left}, {top}");
    }
    assert!(difference(&restored, &whole.restore(&noisy).unwrap()) > 0, "tiles are approximate");
}

#[test]
fn other_options_go_with_tiles() {
    let noisy = photo(45, 33);
    let plain = tiny(tiled(32, 8)).restore(&noisy).unwrap();
    let of = |options| tiny(options).restore(&noisy).unwrap();
    assert!(of(RestorerOptions { strength: 0.0, ..tiled(32, 8) }) == noisy);
    let half = of(RestorerOptions { strength: 0.5, ..tiled(32, 8) });
    for ((a, b), c) in bytes(&half).iter().zip(bytes(&noisy)).zip(bytes(&plain)) {
        assert!((2 * i32::from(*a) - i32::from(*b) - i32::from(*c)).abs() <= 3, "{a} {b} {c}");
    }
    assert!(of(RestorerOptions { symmetries: true, ..tiled(32, 8) }) != plain);
    let first = of(RestorerOptions { stage: Stage::One, ..tiled(32, 8) });
    let kept = tiny(tiled(32, 8)).photo(&noisy).keep_stages().run().unwrap();
    assert!(kept.frame == plain && difference(&kept.stages[0], &first) <= 1 && first != plain);
    let mut last = 0;
    let told = |p: mprnet::Progress| {
        assert!(p.done >= last && p.done <= p.total);
        last = p.done;
    };
    assert!(tiny(tiled(32, 8)).photo(&noisy).progress(told).restore().unwrap() == plain && last > 0);
    let names = ["stage1".to_owned()];
    let refused = tiny(tiled(32, 8)).capture(&noisy, &names, &mut |_| ());
    assert!(matches!(refused, Err(Error::Input(_))));
}
