//! A driver that fails: the layer of `tools/isa` fails in its place, at an allocation, a mapping or a submission.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::photos::*;
use crate::{Room, Run, repository};

const OUT_OF_HOST_MEMORY: i32 = -1;
const OUT_OF_DEVICE_MEMORY: i32 = -2;
const LOST: i32 = -4;
const NOT_MAPPED: i32 = -5;

/// Far beyond what any run here takes: whatever takes so long hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// The folder of the layer, compiled once; none without a C compiler or Vulkan's headers, which tools/test.sh installs.
fn layer() -> Option<&'static Path> {
    static LAYER: OnceLock<Option<PathBuf>> = OnceLock::new();
    LAYER
        .get_or_init(|| {
            // Of this process alone: others may be compiling it, too.
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("layer-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let headers = folder.join("headers.c");
            std::fs::write(&headers, "#include <vulkan/vk_layer.h>\n").unwrap();
            let there = Command::new("cc").arg("-fsyntax-only").arg(headers).output();
            if !there.is_ok_and(|output| output.status.success()) {
                return None;
            }
            let sources = repository("tools/isa/layer");
            let manifest = "VkLayer_mprnet_isa.json";
            std::fs::copy(sources.join(manifest), folder.join(manifest)).unwrap();
            let mut compiler = Command::new("cc");
            compiler.args(["-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-o"]);
            compiler.arg(folder.join("libVkLayer_mprnet_isa.so"));
            let files = std::fs::read_dir(sources).unwrap().map(|entry| entry.unwrap().path());
            compiler.args(files.filter(|path| path.extension().is_some_and(|end| end == "c")));
            let output = compiler.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(folder)
        })
        .as_deref()
}

/// Photos, a model, and a driver that can be made to fail.
struct Bench {
    room: Room,
    layer: &'static Path,
    args: Vec<&'static str>,
    /// The calls of a run that nothing fails in, by kind.
    calls: Vec<(String, usize)>,
    right: Vec<u8>,
}

impl Bench {
    /// None where the layer cannot be made, or no Vulkan driver is there to put it on.
    fn new(args: &[&'static str]) -> Option<Bench> {
        let Some(layer) = layer() else {
            eprintln!("skipped: without a C compiler and Vulkan's headers there is no layer");
            return None;
        };
        let room = Room::with_photo();
        room.put("tiny", &std::fs::read(repository("golden/tiny.safetensors")).unwrap());
        room.put("bands.png", &png(smooth(32, 64)));
        room.put("large.png", &png(smooth(256, 384)));
        room.make_directory("calls");
        let args = [&["restore", "--model", "tiny", "-o", "out.png"], args].concat();
        let mut bench = Bench { room, layer, args, calls: Vec::new(), right: Vec::new() };
        let listed = Run::of(&mut bench.on_layer(&["devices"])).succeeds();
        if !listed.out.contains("backend vulkan") {
            eprintln!("skipped: there is no Vulkan driver: {}", listed.out);
            return None;
        }
        Run::of(&mut bench.on_layer(&bench.args)).succeeds();
        bench.right = std::fs::read(bench.room.path("out.png")).unwrap();
        std::fs::remove_file(bench.room.path("out.png")).unwrap();
        let calls = std::fs::read_to_string(bench.room.path("calls/calls.tsv")).unwrap();
        let call = |line: &str| {
            let (kind, count) = line.split_once('\t').unwrap();
            (kind.to_owned(), count.parse().unwrap())
        };
        bench.calls = calls.lines().map(call).collect();
        Some(bench)
    }

    fn on_layer(&self, args: &[&str]) -> Command {
        let mut command = self.room.command(args);
        command.env("WGPU_BACKEND", "vulkan").env("VK_LAYER_PATH", self.layer);
        command.env("VK_INSTANCE_LAYERS", "VK_LAYER_MPRNET_isa").env("ISA_OUT", self.room.path("calls"));
        command
    }

    /// Runs with a fault.
    fn failing(&self, args: &[&str], fault: &str) -> Run {
        self.failing_over(args, fault, None)
    }

    /// The same, while whoever writes to standard input has begun and does not end.
    fn failing_over(&self, args: &[&str], fault: &str, begun: Option<&[u8]>) -> Run {
        let mut command = self.on_layer(args);
        command.env("ISA_FAIL", fault).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take();
        match begun {
            Some(bytes) => input.as_mut().unwrap().write_all(bytes).unwrap(),
            None => drop(input.take()),
        }
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("{fault}: it hangs");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let run = Run {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        assert!(!run.err.contains("panicked") && !run.err.contains("report it"), "{fault}: {}", run.err);
        run
    }

    /// Runs with a fault, and finds the right bytes, or a clear error and no file. Gives whether it was the bytes.
    fn survives(&self, fault: &str) -> bool {
        let before = self.files();
        let run = self.failing(&self.args, fault);
        let output = self.room.path("out.png");
        let errors = run.err.lines().filter(|line| line.starts_with("error: ")).count();
        assert!(!run.err.contains("Validation Error"), "{fault}: a consequence is told: {}", run.err);
        if run.code == 0 {
            assert_eq!(errors, 0, "{fault}: {}", run.err);
            assert!(std::fs::read(&output).unwrap() == self.right, "{fault}: other bytes; {}", run.err);
            std::fs::remove_file(output).unwrap();
        } else {
            assert!([1, 3].contains(&run.code), "{fault}: {} {}", run.code, run.err);
            assert_eq!(errors, 1, "{fault}: {}", run.err);
        }
        assert_eq!(self.files(), before, "{fault}");
        run.code == 0
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut names: Vec<_> = self.room.contents().into_keys().collect();
        names.retain(|name| !name.starts_with(self.room.path("calls")));
        names
    }
}

#[test]
fn a_lost_device_is_opened_anew() {
    let Some(bench) = Bench::new(&["photo.png"]) else { return };
    let run = bench.failing(&bench.args, &format!("submission:2-2:{LOST}")).succeeds();
    assert!(std::fs::read(bench.room.path("out.png")).unwrap() == bench.right);
    let told: Vec<&str> = run.err.lines().filter(|line| line.contains("reopening")).collect();
    let [told] = told[..] else { panic!("one line is expected: {}", run.err) };
    assert!(told.contains("photo.png") && told.contains("the device was lost"), "{told}");
}

/// Every photo is tried, and none more than twice.
#[test]
fn a_device_that_is_lost_again_and_again() {
    let Some(bench) = Bench::new(&["photo.png"]) else { return };
    bench.room.make_directory("in");
    for name in ["in/a.png", "in/b.png", "in/c.png", "in/d.png"] {
        bench.room.put(name, &png(smooth(24, 17)));
    }
    let args = ["restore", "--model", "tiny", "in", "-o", "out"];
    let run = bench.failing(&args, &format!("submission:2-99999:{LOST}"));
    assert_eq!(run.code, 3, "{}", run.err);
    for name in ["a.png", "b.png", "c.png", "d.png"] {
        let lines =
            |what: &str| run.err.lines().filter(|line| line.starts_with(what) && line.contains(name)).count();
        assert_eq!(lines("error: "), 1, "{name}: {}", run.err);
        // Two are on the device when it is lost first.
        assert!(lines("note: ") <= usize::from(["a.png", "b.png"].contains(&name)), "{name}: {}", run.err);
    }
    let left: Vec<_> = std::fs::read_dir(bench.room.path("out")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A photo that takes the device with it takes no other.
#[test]
fn a_device_that_is_lost_twice_restores_the_rest() {
    let Some(bench) = Bench::new(&["photo.png"]) else { return };
    bench.room.make_directory("in");
    for name in ["in/a.png", "in/b.png", "in/c.png"] {
        bench.room.put(name, &std::fs::read(bench.room.path("photo.png")).unwrap());
    }
    let args = ["restore", "--model", "tiny", "in", "-o", "out"];
    // The first submission of the second try.
    let run = bench.failing(&args, &format!("submission:2-3:{LOST}"));
    let restored =
        ["a.png", "b.png", "c.png"].map(|name| std::fs::read(bench.room.path(&format!("out/{name}"))));
    let restored: Vec<_> = restored.into_iter().flatten().collect();
    assert!(restored.len() >= 2 && restored.iter().all(|bytes| *bytes == bench.right), "{}", run.err);
    assert_eq!(run.err.matches("error: ").count(), 3 - restored.len(), "{}", run.err);
}

#[test]
fn a_lack_of_memory_leaves_nothing_half_written() {
    let Some(bench) = Bench::new(&["photo.png"]) else { return };
    assert!(bench.survives(&format!("allocation:2-2:{OUT_OF_DEVICE_MEMORY}")));
    assert!(bench.survives(&format!("mapping:2-2:{NOT_MAPPED}")));
    // Nothing can be done without memory.
    assert!(!bench.survives(&format!("allocation:1-99999:{OUT_OF_HOST_MEMORY}")));
}

/// What the device has no room for as a whole is computed in bands.
#[test]
fn a_lack_of_memory_for_tensors_ends_in_bands() {
    let Some(bench) = Bench::new(&["large.png"]) else { return };
    // The first buffers are the weights'.
    let run = bench.failing(&bench.args, &format!("allocation:4-4:{OUT_OF_DEVICE_MEMORY}")).succeeds();
    for told in ["the device has no room for", "bands"] {
        assert!(run.err.contains(told), "{told} is not in: {}", run.err);
    }
    assert!(std::fs::read(bench.room.path("out.png")).unwrap() == bench.right);
}

/// What has been measured is kept; the error is told once for each row that lacks something.
#[test]
fn a_bench_that_loses_its_device_keeps_its_rows() {
    let Some(bench) = Bench::new(&["photo.png"]) else { return };
    let args =
        ["bench", "-q", "--model", "tiny", "--tune", "off", "--format", "json", "--size", "16x16,24x24"];
    let args = [&args[..], &["--rounds", "100"]].concat();
    let run = bench.failing(&args, &format!("submission:40-40:{LOST}"));
    assert_eq!(run.code, 3, "{}", run.err);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&run.out).unwrap();
    let notes: Vec<&str> = rows.iter().map(|row| row["note"].as_str().unwrap()).collect();
    assert!(notes.len() == 2 && notes.iter().all(|note| note.contains("lost")), "{notes:?}");
    assert_eq!(run.err.matches("error: ").count(), 2, "{}", run.err);
}

/// Without a device, nothing waits for the next frame of a video.
#[test]
fn a_video_that_no_device_restores() {
    let Some(bench) = Bench::new(&["photo.png"]) else { return };
    let stream = [&b"YUV4MPEG2 W4 H4 F25:1 C444\nFRAME\n"[..], &[50; 48]].concat();
    let args = ["restore", "--model", "tiny", "--y4m", "-", "-o", "-"];
    let run = bench.failing_over(&args, &format!("allocation:1-99999:{OUT_OF_HOST_MEMORY}"), Some(&stream));
    assert!([1, 3].contains(&run.code), "{} {}", run.code, run.err);
    assert_eq!(run.err.matches("error: ").count(), 1, "{}", run.err);
}

/// Where the process that has one fault after the other finds them.
const SWEEP: &str = "MPRNET_TEST_FAULTS";

/// Calls of a kind that fail one by one, where there are not many more.
const MOST_CALLS: usize = 100;

/// Calls of every kind fail once, all over a run, as a whole and in bands, all in one process, a device each: what one
/// fault leaves behind is no harm to the next photo.
#[test]
#[cfg_attr(not(feature = "heavy-tests"), ignore = "minutes on a software adapter: --features heavy-tests")]
fn calls_fail_once_all_over_a_run() {
    for args in [&["photo.png"][..], &["bands.png", "--max-memory", "600K"]] {
        let Some(bench) = Bench::new(args) else { return };
        for (kind, count) in &bench.calls {
            assert!(*count > 1, "{kind}: {count}");
            let codes = match kind.as_str() {
                "mapping" => [NOT_MAPPED, OUT_OF_HOST_MEMORY],
                _ => [OUT_OF_DEVICE_MEMORY, LOST],
            };
            // Of thousands of calls, every so many: each fault takes a device of its own.
            let step = (count / MOST_CALLS).max(1);
            let calls = (1..=*count).step_by(step);
            let faults = calls.flat_map(|at| codes.map(|code| format!("{kind}:{at}-{at}:{code}")));
            let faults: Vec<String> = faults.collect();
            let survived = bench.sweep(&faults);
            eprintln!(
                "{}: {survived} of {} faults of kind {kind} ended in the right bytes",
                args[0],
                faults.len()
            );
        }
    }
}

impl Bench {
    /// Runs once with each fault, in one process; gives how many ended in the right bytes.
    fn sweep(&self, faults: &[String]) -> usize {
        self.room.put("faults", faults.join("\n").as_bytes());
        self.room.put("right", &self.right);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "faults::faults_in_one_process", "--nocapture"])
            .current_dir(self.room.path(""));
        let program = self.on_layer(&[]);
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.envs(mprnet::cli::wanted_variable());
        command.env("ISA_FAIL_FILE", self.room.path("fault")).env(SWEEP, self.args.join(" "));
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = std::sync::mpsc::channel();
        let told = std::io::BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || told.lines().try_for_each(|line| send.send(line.unwrap())));
        let (mut survived, mut errors, mut last) = (0, 0, String::new());
        loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with("fault ") => (errors, last) = (0, line),
                Ok(line) if line == "ended in the right bytes" => {
                    assert_eq!(errors, 0, "{last}");
                    survived += 1;
                }
                Ok(line) if line == "ended in an error" => assert_eq!(errors, 1, "{last}"),
                Ok(line) => {
                    let bad = ["panicked", "report it", "Validation Error"];
                    assert!(!bad.iter().any(|bad| line.contains(bad)), "{last}: {line}");
                    errors += usize::from(line.starts_with("error: "));
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    panic!("{last}: it hangs");
                }
            }
        }
        assert!(child.wait().unwrap().success(), "{last}");
        survived
    }
}

/// What [`Bench::sweep`] starts: anywhere else it does nothing.
#[test]
fn faults_in_one_process() {
    let Ok(args) = std::env::var(SWEEP) else { return };
    let args: Vec<&str> = std::iter::once("mprnet").chain(args.split(' ')).collect();
    let right = std::fs::read("right").unwrap();
    let files = || std::fs::read_dir(".").unwrap().count();
    for fault in std::fs::read_to_string("faults").unwrap().lines() {
        std::fs::write("fault", fault).unwrap();
        eprintln!("fault {fault}");
        let before = files();
        let code = mprnet::cli::run_alone(&args);
        if code == 0 {
            assert!(std::fs::read("out.png").unwrap() == right, "{fault}: other bytes");
            std::fs::remove_file("out.png").unwrap();
            eprintln!("ended in the right bytes");
        } else {
            assert!([1, 3].contains(&code), "{fault}: {code}");
            eprintln!("ended in an error");
        }
        assert_eq!(files(), before, "{fault}");
    }
}
