//! Several photos at once, runs that end early, and devices that fail.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use mprnet::gpu::{Device, DeviceOptions};
use mprnet::image::Frame;
use mprnet::model::{Task, Weights};
use mprnet::pool::{Member, Pool, PoolOptions};
use mprnet::{Cancel, Error, Progress, Restorer, RestorerOptions};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::common::golden_path;
use crate::restorer::{bytes, photo};
use crate::{device, host_device};

fn tiny() -> Restorer {
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    Restorer::new(weights, device().clone(), RestorerOptions::default())
}

/// A network whose runs on the test photos take many submissions, until the adapter's pace is known.
fn denoise() -> Restorer {
    Restorer::new(Weights::embedded(Task::Denoise).unwrap(), device().clone(), RestorerOptions::default())
}

/// Notes what engine and restorer say on this thread.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Steps {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        let ours =
            ["mprnet::engine", "mprnet::restore"].iter().any(|room| metadata.target().starts_with(room));
        ours && *metadata.level() == tracing::Level::TRACE
    }
    fn event(&self, event: &tracing::Event<'_>) {
        struct Message<'a>(&'a mut Vec<String>);
        impl Visit for Message<'_> {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                self.0.push(format!("{value:?}"));
            }
        }
        event.record(&mut Message(&mut self.0.lock().unwrap()));
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Does both at once on this thread.
fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    pollster::block_on(std::future::poll_fn(|context| {
        if first.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(context)
        {
            first = Some(done);
        }
        if second.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(context)
        {
            second = Some(done);
        }
        if first.is_none() || second.is_none() {
            return Poll::Pending;
        }
        first.take().zip(second.take()).map_or(Poll::Pending, Poll::Ready)
    }))
}

/// The second photo is written to where the device takes it from, and its work is begun, before the first one's result
/// is read.
#[test]
fn the_next_photo_is_begun_before_the_last_is_read() {
    let restorer = tiny();
    let photos = [photo(600, 500), photo(598, 497)];
    let expected = photos.each_ref().map(|photo| restorer.restore(photo).unwrap());
    let overlap = || {
        let steps = Steps::default();
        let results = tracing::subscriber::with_default(steps.clone(), || {
            both(restorer.photo(&photos[0]).restore_async(), restorer.photo(&photos[1]).restore_async())
        });
        assert!(results.0.unwrap() == expected[0] && results.1.unwrap() == expected[1]);
        let steps = steps.0.lock().unwrap();
        let at = |step: &str, which: usize| {
            let mut found =
                steps.iter().enumerate().filter(|(_, said)| said.contains(step)).map(|(at, _)| at);
            found.nth(which)
        };
        // Other tests at the same time may have switched these events off for this thread.
        let [Some(staged), Some(begun), Some(submitted), Some(read)] =
            [at("staged", 1), at("begun", 1), at("submitted", 0), at("read back", 0)]
        else {
            return false;
        };
        assert!(staged < begun && submitted < begun, "{steps:?}");
        begun < read
    };
    // An adapter may be done with a last bit of work before this thread sees to the second photo, but not each time.
    assert!((0..40).any(|_| overlap()), "no photo is begun before the last is read");
}

#[test]
fn what_is_cancelled_or_dropped_midway_leaves_a_restorer_that_works() {
    let (restorer, noisy) = (denoise(), photo(96, 80));
    // On a busy machine the device may be done with all of a small photo before it is asked.
    let is_cancelled_midway = |photo: &Frame| {
        let cancel = Cancel::new();
        let cancelled = restorer.photo(photo).cancelled_by(&cancel).progress(|progress| {
            if progress.done < progress.total {
                cancel.cancel();
            }
        });
        let cancelled = cancelled.restore();
        assert!(matches!(cancelled, Ok(_) | Err(Error::Cancelled)), "{cancelled:?}");
        // What was told after the last submission comes too late, and the photo is done.
        assert!(cancelled.is_ok() || cancel.is_cancelled());
        cancelled.is_err()
    };
    assert!([96, 192, 384].into_iter().any(|width| is_cancelled_midway(&photo(width, 80))));

    let expected = denoise().restore(&noisy).unwrap();
    assert!(restorer.restore(&noisy).unwrap() == expected);

    let other = photo(64, 48);
    for polls in [1, 2] {
        let mut dropped = Box::pin(restorer.photo(&other).restore_async());
        // On a busy machine the device may be done before it is asked again.
        let is_pending =
            |_: &usize| dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        let _ = (0..polls).take_while(is_pending).count();
        // One that waits for its turn, too.
        let mut waiting = Box::pin(restorer.photo(&noisy).restore_async());
        let _ = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(waiting);
        drop(dropped);
    }
    assert!(restorer.restore(&other).unwrap() == denoise().restore(&other).unwrap());
    assert!(restorer.restore(&noisy).unwrap() == expected);
}

#[test]
fn restorers_and_threads_at_once_give_the_same_bytes() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let photos: Vec<Frame> = [(40, 24), (64, 64), (40, 24), (33, 70)].map(|(w, h)| photo(w, h)).into();
    let alone: Vec<Frame> = photos.iter().map(|photo| tiny().restore(photo).unwrap()).collect();
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    let again = Device::new(&DeviceOptions::default()).unwrap();
    let restorers = [tiny(), tiny(), Restorer::new(weights, again, RestorerOptions::default())];
    std::thread::scope(|scope| {
        for restorer in &restorers {
            for (photo, expected) in photos.iter().zip(&alone) {
                scope.spawn(move || {
                    // Callbacks need not be shared between threads.
                    let told = std::cell::Cell::new(0);
                    let progress = move |progress: Progress| told.set(progress.done);
                    let restored = sendable(restorer.photo(photo).progress(progress).restore_async());
                    assert!(bytes(&pollster::block_on(restored).unwrap()) == bytes(expected));
                });
            }
        }
    });
}

fn photos() -> Vec<Frame> {
    (0..12).map(|i| photo(40 + 8 * (i % 3), 24 + i)).collect()
}

fn ordered() -> PoolOptions {
    PoolOptions { ordered: true, ..PoolOptions::default() }
}

#[test]
fn a_pool_gives_what_one_restorer_does_in_order() {
    let expected: Vec<Frame> = photos().iter().map(|photo| tiny().restore(photo).unwrap()).collect();
    let mut pool = Pool::new(vec![Member::opened("one", tiny()), Member::new("other", || Ok(tiny()))])
        .with_options(PoolOptions { loaders: 3, savers: 2, ..ordered() });
    let unreadable = |at: usize, photo| if at == 5 { Err(Error::NoAdapter) } else { Ok(photo) };
    let inputs = photos().into_iter().enumerate().map(|(at, photo)| unreadable(at, photo));
    let mut got = Vec::new();
    pool.restore(inputs, &Cancel::new(), |number, restored| got.push((number, restored))).unwrap();
    assert!(got.iter().map(|(number, _)| *number).eq(0..expected.len()));
    for (number, restored) in got {
        match restored {
            Ok(restored) => assert!(restored == expected[number], "{number}"),
            Err(error) => assert!(number == 5 && matches!(error, Error::NoAdapter), "{number}: {error}"),
        }
    }
}

/// A restorer on a device that the host program has closed.
fn lost() -> Restorer {
    let device = host_device();
    device.wgpu().destroy();
    let weights = Weights::read(&golden_path("tiny_shuffle2.safetensors")).unwrap();
    Restorer::new(weights, device, RestorerOptions::default())
}

#[test]
fn a_device_that_fails_is_given_up_and_its_photos_go_to_another() {
    let members = vec![Member::opened("lost", lost()), Member::opened("good", tiny())];
    let mut got = 0;
    let mut pool = Pool::new(members).with_options(ordered());
    pool.restore(photos().into_iter().map(Ok), &Cancel::new(), |number, restored| {
        assert!(restored.is_ok() && number == got, "{number}: {restored:?}");
        got += 1;
    })
    .unwrap();
    assert_eq!(got, 12);

    // The only device fails, and is opened anew for the same photos.
    let openings = Mutex::new(0);
    let open = Arc::new(openings);
    let counted = Arc::clone(&open);
    let member = Member::new("once lost", move || {
        let mut openings = counted.lock().unwrap();
        *openings += 1;
        Ok(if *openings == 1 { lost() } else { tiny() })
    });
    let (mut good, mut bad) = (0, 0);
    Pool::new(vec![member])
        .restore(photos().into_iter().map(Ok), &Cancel::new(), |_, restored| match restored {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        })
        .unwrap();
    assert!(*open.lock().unwrap() == 2 && good == 12, "{good} good, {bad} bad");

    // It fails with every photo: the first is tried once more, and no other that it has not taken with it.
    let openings = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&openings);
    let member = Member::new("lost", move || {
        *counted.lock().unwrap() += 1;
        Ok(lost())
    });
    let mut bad = 0;
    Pool::new(vec![member])
        .restore(photos().into_iter().map(Ok), &Cancel::new(), |_, restored| {
            bad += usize::from(restored.is_err());
        })
        .unwrap();
    assert!(bad == 12 && *openings.lock().unwrap() <= 13, "{bad} bad");

    // None is left.
    let mut none = Pool::new(vec![Member::new("none", || Err(Error::NoAdapter))]);
    let ended =
        none.restore(photos().into_iter().map(Ok), &Cancel::new(), |_, _| panic!("nothing is restored"));
    assert!(matches!(ended, Err(Error::NoAdapter)), "{ended:?}");
}

#[test]
fn a_cancelled_pool_begins_nothing_more() {
    let mut pool = Pool::new(vec![Member::opened("one", tiny())]).with_options(ordered());
    let cancel = Cancel::new();
    let (mut asked, mut done) = (0, 0);
    let endless = std::iter::repeat_with(|| {
        asked += 1;
        Ok(photo(40, 24))
    });
    pool.restore(endless, &cancel, |number, restored| {
        assert!(number > 0 || restored.is_ok());
        done += 1;
        cancel.cancel();
    })
    .unwrap();
    // Whatever was begun is handed over; that is no more than there is room for.
    assert!(done == asked && asked < 12, "{done} of {asked}");
}
