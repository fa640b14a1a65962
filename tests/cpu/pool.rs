//! A pool at work without a GPU.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Condvar, Mutex, mpsc};
use std::time::Duration;

use mprnet::gpu::Device;
use mprnet::model::{Task, Weights};
use mprnet::plan::Precision;
use mprnet::pool::{Member, Pool, PoolOptions, Work};
use mprnet::{Cancel, Error, Restorer, RestorerOptions, Result};

/// Photos that can be read, or cannot.
#[derive(Default)]
struct Photos {
    readable: bool,
    /// Where they come from, until nothing is handed over any more.
    coming: Mutex<Option<mpsc::Sender<()>>>,
}

impl Work for Photos {
    type Job = ();
    type Photo = ();
    type Restored = ();
    type Saved = ();
    type Error = Error;

    fn load(&self, (): &mut ()) -> Result<()> {
        if self.readable { Ok(()) } else { Err(Error::Input("not a photo".to_owned())) }
    }

    fn restore(&self, _: &Restorer, (): &(), (): &(), _: &Cancel) -> Result<()> {
        unreachable!("nothing is opened")
    }

    fn save(&self, (): &(), (): (), (): ()) -> Result<()> {
        unreachable!("nothing is restored")
    }

    fn over(&self) {
        self.coming.lock().unwrap().take();
    }
}

#[test]
fn no_more_photos_are_under_way_than_there_is_room_for() {
    let options = PoolOptions { loaders: 3, savers: 1, ordered: false, waiting: 2 };
    // A photo for each thread, of which a device has two, and those that wait.
    let room = 3 + 2 + 1 + 2;
    let (begun, mut delivered, mut most) = (AtomicUsize::new(0), 0, 0);
    let jobs = (0..40).map(|_| {
        begun.fetch_add(1, Ordering::SeqCst);
    });
    let member = Member::new("none", || unreachable!("no photo needs it"));
    let mut pool = Pool::new(vec![member]).with_options(options);
    pool.run(&Photos::default(), jobs, &Cancel::new(), |(), outcome| {
        assert!(outcome.is_err());
        delivered += 1;
        // Whoever finds room takes it meanwhile.
        std::thread::sleep(Duration::from_millis(2));
        most = most.max(begun.load(Ordering::SeqCst) - delivered);
    })
    .unwrap();
    assert_eq!((delivered, most), (40, room));
}

/// Not that there is none, by whichever thread finds that first.
#[test]
fn why_no_device_opens_is_told() {
    for _ in 0..100 {
        let closed = || Member::new("a closed one", || Err(Error::NoAdapter));
        let mut pool = Pool::new(vec![closed(), closed()]);
        let ended = pool.run(
            &Photos { readable: true, ..Photos::default() },
            [(), ()].into_iter(),
            &Cancel::new(),
            |(), _| (),
        );
        assert!(matches!(ended, Err(Error::NoAdapter)), "{ended:?}");
    }
}

/// Numbers for photos, and what is done to them.
struct Numbers<R, S> {
    restore: R,
    save: S,
}

impl<R: Fn(&Restorer, usize) -> Result<()> + Sync, S: Fn(usize) + Sync> Work for Numbers<R, S> {
    type Job = usize;
    type Photo = ();
    type Restored = ();
    type Saved = ();
    type Error = Error;

    fn load(&self, _: &mut usize) -> Result<()> {
        Ok(())
    }

    fn restore(&self, restorer: &Restorer, number: &usize, (): &(), _: &Cancel) -> Result<()> {
        (self.restore)(restorer, *number)
    }

    fn save(&self, number: &usize, (): (), (): ()) -> Result<()> {
        (self.save)(*number);
        Ok(())
    }
}

/// A device in f16 that has too little memory for its first photo while one in f32 has two, which it then fails.
#[derive(Default)]
struct Failing {
    state: Mutex<Met>,
    change: Condvar,
}

#[derive(Default)]
struct Met {
    /// Photos that the device in f32 has.
    held: usize,
    short_of_memory: bool,
}

impl Failing {
    fn wait(&self, mut change: impl FnMut(&mut Met), until: impl Fn(&Met) -> bool) {
        let mut state = self.state.lock().unwrap();
        change(&mut state);
        self.change.notify_all();
        drop(self.change.wait_while(state, |state| !until(state)).unwrap());
    }

    fn restore(&self, restorer: &Restorer) -> Result<()> {
        if restorer.precision() == Precision::F32 {
            self.wait(|met| met.held += 1, |met| met.short_of_memory);
            // Until the other device's photo waits for this one.
            std::thread::sleep(Duration::from_millis(200));
            return Err(lost());
        }
        let mut first = false;
        self.wait(|_| (), |met| met.held >= 2);
        self.wait(|met| first = !std::mem::replace(&mut met.short_of_memory, true), |_| true);
        if first { Err(Error::OutOfMemory { during: "a test".into(), bytes: 1 }) } else { Ok(()) }
    }
}

fn lost() -> Error {
    Error::Gpu { during: "a test".into(), reason: "as was to be shown".to_owned() }
}

fn restorer(precision: Precision) -> Result<Restorer> {
    let device = Device::noop(wgpu::Limits::default(), wgpu::Features::empty())?;
    let options = RestorerOptions { precision, ..RestorerOptions::default() };
    Ok(Restorer::new(Weights::embedded(Task::Denoise)?, device, options))
}

/// A photo that has failed on one device waits for the other, which then is closed for good.
#[test]
fn no_photo_waits_for_a_device_that_works_no_more() {
    let closed_for_good = Member::opened("one", restorer(Precision::F32).unwrap());
    let mut pool = Pool::new(vec![closed_for_good, Member::new("other", move || restorer(Precision::F16))]);
    let (sender, outcomes) = mpsc::channel();
    std::thread::spawn(move || {
        let mut failed = Vec::new();
        let failing = Failing::default();
        let work = Numbers { restore: |restorer: &Restorer, _| failing.restore(restorer), save: |_| () };
        let done = pool.run(&work, 0..4, &Cancel::new(), |_, saved| failed.extend(saved.err()));
        sender.send((done, failed)).unwrap();
    });
    let (done, failed) = outcomes.recv_timeout(Duration::from_secs(60)).expect("a photo waits for ever");
    done.unwrap();
    assert!(matches!(failed[..], [Error::OutOfMemory { .. }]), "{failed:?}");
}

/// The thread that waits for the next photo is told that there is none.
#[test]
fn a_panic_of_who_takes_photos_ends_the_work() {
    let (sender, photos) = mpsc::channel();
    sender.send(()).unwrap();
    let member = Member::new("none", || unreachable!("no photo needs it"));
    let run = std::panic::AssertUnwindSafe(|| {
        let work = Photos { coming: Mutex::new(Some(sender)), ..Photos::default() };
        let deliver = |(), _| panic!("as was to be shown");
        Pool::new(vec![member]).run(&work, photos.into_iter(), &Cancel::new(), deliver)
    });
    let panic = std::panic::catch_unwind(run).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"as was to be shown"));
}

/// The device is its host's, and nothing opens it anew.
#[test]
fn photos_that_fail_leave_a_host_its_device() {
    let member = || Member::opened("a host's", restorer(Precision::F32).unwrap());
    for members in [vec![member()], vec![member(), member()]] {
        let restore = |_: &Restorer, number| match number {
            3 => Err(Error::OutOfMemory { during: "a test".into(), bytes: 1 }),
            5 => panic!("as was to be shown"),
            _ => Ok(()),
        };
        let (mut pool, mut failed) = (Pool::new(members), Vec::new());
        let work = Numbers { restore, save: |_| () };
        let mut handed_over = 0;
        let done = pool.run(&work, 0..20, &Cancel::new(), |number, saved| {
            handed_over += 1;
            failed.extend(saved.is_err().then_some(number));
        });
        done.unwrap();
        failed.sort_unstable();
        assert_eq!((handed_over, &failed[..]), (20, &[3, 5][..]));
    }
}

#[test]
fn what_is_restored_before_the_last_device_fails_is_handed_over() {
    let (sender, failed) = mpsc::channel();
    let failed = Mutex::new(failed);
    let restore = |_: &Restorer, number| {
        if number < 2 {
            return Ok(());
        }
        sender.send(()).unwrap();
        Err(lost())
    };
    // The first is being saved when the device fails, and the second waits for that.
    let save = |number| {
        if number == 0 {
            failed.lock().unwrap().recv_timeout(Duration::from_secs(60)).ok();
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let member = Member::opened("a host's", restorer(Precision::F32).unwrap());
    let mut handed_over = Vec::new();
    let work = Numbers { restore, save };
    let ended = Pool::new(vec![member]).run(&work, 0..9, &Cancel::new(), |number, saved| {
        handed_over.extend(saved.ok().map(|()| number));
    });
    assert!(matches!(ended, Err(Error::Gpu { .. })), "{ended:?}");
    handed_over.sort_unstable();
    assert_eq!(handed_over, [0, 1]);
}

/// Nobody waits for a photo that was still being restored then.
#[test]
fn what_is_restored_after_the_last_device_failed_is_dropped() {
    let (sender, outcomes) = mpsc::channel();
    std::thread::spawn(move || {
        let both = Barrier::new(2);
        let restore = |_: &Restorer, number| {
            if number == 0 {
                return Ok(());
            }
            both.wait();
            if number == 1 {
                return Err(lost());
            }
            std::thread::sleep(Duration::from_millis(200));
            Ok(())
        };
        // Until all of that has happened.
        let deliver = |_, _| std::thread::sleep(Duration::from_millis(600));
        let member = Member::opened("a host's", restorer(Precision::F32).unwrap());
        let work = Numbers { restore, save: |_| () };
        sender.send(Pool::new(vec![member]).run(&work, 0..3, &Cancel::new(), deliver)).unwrap();
    });
    let ended = outcomes.recv_timeout(Duration::from_secs(60)).expect("somebody waits for ever");
    assert!(matches!(ended, Err(Error::Gpu { .. })), "{ended:?}");
}

#[test]
fn a_device_that_did_not_open_is_tried_again_in_the_next_run() {
    let opened = AtomicUsize::new(0);
    let open = move || match opened.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Error::NoAdapter),
        _ => restorer(Precision::F32),
    };
    let mut pool = Pool::new(vec![Member::new("a busy one", open)]);
    let work = Numbers { restore: |_: &Restorer, _| Ok(()), save: |_| () };
    let mut run = || {
        let mut restored = 0;
        let ended = pool.run(&work, 0..3, &Cancel::new(), |_, saved| restored += usize::from(saved.is_ok()));
        (ended.is_ok(), restored)
    };
    assert_eq!([run(), run()], [(false, 0), (true, 3)]);
}
