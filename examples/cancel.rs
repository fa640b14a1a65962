//! Restores a photo without blocking, shows how far it is, and ends when the return key is pressed:
//! `cargo run --release --example cancel -- IN OUT`.

use std::path::PathBuf;

use mprnet::model::{Task, Weights};
use mprnet::{Cancel, Error, Restorer, RestorerOptions, Result, gpu, image};

/// Any executor will do, among them those of user interfaces.
async fn restore(restorer: &Restorer, input: PathBuf, output: PathBuf, button: &Cancel) -> Result<()> {
    let photo = image::read(&input)?;
    let shown = |p: mprnet::Progress| eprint!("\r{:3}%", 100 * p.done / p.total.max(1));
    let restored = restorer.photo(&photo).cancelled_by(button).progress(shown).run_async().await?;
    eprintln!("\nthe GPU took {:.2} s", restored.spent.gpu.as_secs_f64());
    image::write(&restored.frame, &output)
}

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(input), Some(output)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: cancel IN OUT");
        std::process::exit(2);
    };
    let device = gpu::Device::new(&gpu::DeviceOptions::default())?;
    let restorer = Restorer::new(Weights::embedded(Task::Denoise)?, device, RestorerOptions::default());
    let button = Cancel::new();
    let pressed = button.clone();
    std::thread::spawn(move || {
        if std::io::stdin().read_line(&mut String::new()).is_ok_and(|read| read > 0) {
            pressed.cancel();
        }
    });
    match pollster::block_on(restore(&restorer, input, output, &button)) {
        Err(Error::Cancelled) => {
            eprintln!("\nended; nothing was written");
            Ok(())
        }
        done => done,
    }
}
