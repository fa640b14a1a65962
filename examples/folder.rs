//! Restores the images of a folder as PNG, the next ones read and the last ones written while the GPU computes:
//! `cargo run --release --example folder -- IN OUT`. `a.jpg` becomes `a.jpg.png`, so that no two photos share a name.

use std::path::{Path, PathBuf};

use mprnet::image::{self, Frame};
use mprnet::model::{Task, Weights};
use mprnet::pool::{Member, Pool, PoolOptions, Work};
use mprnet::{Cancel, Error, Restorer, RestorerOptions, Result, gpu};

/// What is done to each file.
struct Files<'a> {
    output: &'a Path,
}

impl Work for Files<'_> {
    type Job = PathBuf;
    type Photo = Frame;
    type Restored = Frame;
    type Saved = PathBuf;
    type Error = Error;

    fn load(&self, input: &mut PathBuf) -> Result<Frame> {
        image::read(input)
    }

    fn restore(&self, restorer: &Restorer, input: &PathBuf, photo: &Frame, cancel: &Cancel) -> Result<Frame> {
        let restored = restorer.photo(photo).cancelled_by(cancel).restore();
        restored.map_err(|source| Error::Unrestored { path: input.clone(), source: Box::new(source) })
    }

    fn save(&self, input: &PathBuf, _: Frame, restored: Frame) -> Result<PathBuf> {
        let mut name = input.file_name().unwrap_or_default().to_owned();
        name.push(".png");
        let output = self.output.join(name);
        image::write(&restored, &output)?;
        Ok(output)
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: folder IN OUT");
        std::process::exit(2);
    };
    let created = std::fs::create_dir_all(&output);
    created.map_err(|source| Error::Io { action: "create", path: output.clone(), source })?;
    let open = || {
        let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
        Ok(Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default()))
    };
    // A member for each device; here the one that is chosen where none is named.
    let mut pool = Pool::new(vec![Member::new("the GPU", open)]).with_options(PoolOptions {
        loaders: 2,
        savers: 2,
        ..PoolOptions::default()
    });
    let (files, work) = (image::list(&input)?, Files { output: &output });
    let mut failed = 0;
    pool.run(&work, files.into_iter(), &Cancel::new(), |input, saved| match saved {
        Ok(output) => println!("{} -> {}", input.display(), output.display()),
        Err(error) => {
            eprintln!("error: {error}");
            failed += 1;
        }
    })?;
    std::process::exit(i32::from(failed > 0))
}
