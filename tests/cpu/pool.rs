//! A pool at work without a device.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mprnet::pool::{Blame, Member, Pool, PoolOptions, Work};
use mprnet::{Cancel, Error, Restorer, Result};

/// Photos that can be read, or cannot.
struct Photos {
    readable: bool,
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

    fn blame(&self, error: &Error) -> Blame {
        Blame::of(error)
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
    pool.run(&Photos { readable: false }, jobs, &Cancel::new(), |(), outcome| {
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
        let ended = pool.run(&Photos { readable: true }, [(), ()].into_iter(), &Cancel::new(), |(), _| ());
        assert!(matches!(ended, Err(Error::NoAdapter)), "{ended:?}");
    }
}
