"""Tests of training and evaluation, on a tiny network and crops of samples/clean.png: python tools/tests_training.py"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

import average_weights
import evaluate
import train
from judging import TASKS, psnr
from mprnet_torch import Config, MPRNet
from seeded_weights import weights
from training_data import Deblurring, Denoising, Deraining, Supply, load_photos, to_tensor
from training_state import MEAN, STEPS, metadata
from widen import widened

REPOSITORY = Path(__file__).parents[1]
TINY = Config(n=4, s=4, o=4, num_cab=1, shuffle=2)
JUDGED = {
    "sigma 15": 24.62,
    "sigma 25": 20.23,
    "sigma 50": 14.53,
    "sigma 75": 11.69,
    "camera noise 0.003": 31.48,
    "camera noise 0.03": 20.86,
    "poor light": 17.19,
    "sigma 25, JPEG 75": 22.80,
    "light rain": 33.42,
    "medium rain": 25.85,
    "heavy rain": 15.35,
    "storm": 13.20,
    "medium rain, JPEG 75": 25.47,
    "hazy": 15.87,
    "walls": 15.83,
    "7 frames": 23.64,
    "11 frames": 21.08,
    "15 frames": 19.40,
    "shake": 28.68,
    "motion to 40 pixels": 29.87,
    "path of 10 pixels": 28.51,
    "path of 40 pixels": 22.53,
    "shake, JPEG 75": 28.56,
    "soft": 42.01,
    "overexposed": 14.95,
}
"""PSNR of what a network is judged on, made of samples/clean.png, against its target, or of a picture that is to stay
against the photograph. Where one changes, its rows in models/README.md are those of another set."""


def sample() -> Image.Image:
    return Image.open(REPOSITORY / "samples/clean.png").convert("RGB")


def write_photos(folder: Path, count: int, side: int, step: int) -> Path:
    """Squares of the sample photograph, each some pixels to the right of the one before."""
    folder.mkdir()
    for number in range(count):
        left = 60 + number * step
        sample().crop((left, 80, left + side, 80 + side)).save(folder / f"{number:03}.png")
    return folder


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[key], second[key]) for key in first | second)


class Folder(unittest.TestCase):
    """A test with a temporary folder of photographs."""

    def setUp(self) -> None:
        torch.set_num_threads(1)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.photos = write_photos(self.folder / "photos", 3, 128, 50)

    def words(self, out: str, *more: str) -> list[str]:
        """The command line of a tiny training."""
        folders = ["--photos", str(self.photos), "--val", str(self.photos), "--out", str(self.folder / out)]
        sizes = ["--config", "4/4/4/1,shuffle=2", "--val-size", "32", "--val-crops", "1", "--precision", "f32"]
        length = [] if {"--steps", "--time-budget"} & {*more} else ["--steps", "4"]
        phases = [] if "--phases" in more else ["--phases", "2x16:0.5,1x32:0.5"]
        return [*folders, *sizes, *phases, *length, "--trained-on", "a test", "--license", "none", *more]

    def train(self, out: str, *more: str, until: int | None = None) -> train.Trainer:
        """A training, told to stop after the step `until`."""
        args = train.parse_args(self.words(out, *more))
        args.out.mkdir(exist_ok=True)
        trainer = train.Trainer(args)
        step = trainer.step

        def counted() -> Tensor:
            losses = step()
            trainer.stopped = trainer.steps == until
            return losses

        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with mock.patch.object(trainer, "step", counted), contextlib.redirect_stdout(io.StringIO()) as log:
            trainer.begin()
            trainer.run()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        self.log = log.getvalue()
        return trainer


class Resuming(Folder):
    def test_a_training_that_was_stopped_ends_as_one_that_was_not(self) -> None:
        for task in TASKS:
            with self.subTest(task):
                whole = self.train(f"{task}-whole", "--task", task)
                self.train(f"{task}-parts", "--task", task, until=1)
                self.train(f"{task}-parts", "--task", task, until=3)
                parts = self.train(f"{task}-parts", "--task", task)
                self.assertEqual(parts.steps, 4)
                self.assertTrue(equal(whole.network.state_dict(), parts.network.state_dict()))
                self.assertTrue(equal(whole.average.state_dict(), parts.average.state_dict()))

    def test_another_training_is_refused(self) -> None:
        first = self.train("first", until=1)
        init = str(first.args.out / "denoise.safetensors")
        for options, said in (
            (["--loss", "psnr", "--seed", "9"], "--loss paper, --seed 1"),
            (["--early", "0.5"], "--early 1"),
            (["--rate", "1e-4"], "--rate 0.001"),
            (["--clean-share", "0.5"], "--clean-share 0.08"),
            (["--phases", "2x16:1"], "--phases 2x16:0.5,1x32:0.5"),
            (["--steps", "8"], "--steps 4"),
            (["--init", init], "no --init"),
            (["--task", "derain"], "another task: denoise"),
            (["--config", "8/4/4/1,shuffle=2"], "another configuration"),
        ):
            with self.subTest(options), self.assertRaisesRegex(SystemExit, said):
                self.train("first", *options)
        self.photos = write_photos(self.folder / "others", 2, 128, 50)
        with self.assertRaisesRegex(SystemExit, "other files in --photos"):
            self.train("first")

    def test_where_and_how_often_may_differ(self) -> None:
        self.train("first", until=1)
        self.photos = self.photos.rename(self.folder / "moved")
        self.train("first", "--workers", "1", "--log-steps", "2", "--validate-minutes", "1", "--trained-on", "more")
        self.assertIn("resumed", self.log)

    def test_older_states_go_on(self) -> None:
        trainer = self.train("old", until=1)
        path = trainer.args.out / "state.pt"
        state = torch.load(path, weights_only=True)
        for key in ("arguments", "task", "steps_before"):
            del state[key]
        torch.save(state, path)
        with self.assertRaisesRegex(SystemExit, "another task: denoise"):
            self.train("old", "--task", "derain")
        self.assertEqual(self.train("old", "--seed", "9").steps, 4)
        self.assertIn("does not say how it was begun", self.log)

    def test_batches_are_the_same_with_workers(self) -> None:
        photos = load_photos(self.photos, 16)
        for task in (Denoising(photos, 0.2), Deraining(photos, 0.2), Deblurring(photos, 0.2, None)):
            alone, helped = Supply(task, 3, 0), Supply(task, 3, 2)
            for count, size, step in ((2, 16, 0), (2, 16, 1), (1, 32, 2)):
                for one, other in zip(alone.batch(count, size, step), helped.batch(count, size, step), strict=True):
                    self.assertTrue(np.array_equal(one, other))
            helped.pool.shutdown()


class Signals(Folder):
    def test_they_leave_a_state_that_goes_on(self) -> None:
        command = [sys.executable, "-B", str(REPOSITORY / "tools/train.py")]
        for number, workers in ((signal.SIGTERM, "0"), (signal.SIGINT, "1")):
            words = self.words(number.name, "--steps", "1000000", "--log-steps", "1", "--workers", workers)
            with self.subTest(number.name):
                process = subprocess.Popen(
                    [*command, *words], stdout=subprocess.PIPE, text=True, start_new_session=True
                )
                self.assertIn("loss", process.stdout.readline())
                if number == signal.SIGINT:
                    # As a terminal does it: the workers get it too.
                    os.killpg(process.pid, number)
                else:
                    process.send_signal(number)
                log = process.communicate(timeout=60)[0]
                self.assertEqual(process.returncode, 0, log)
                self.assertIn("stopped", log)
                state = torch.load(self.folder / number.name / "state.pt", weights_only=True)
                again = self.train(number.name, "--steps", "1000000", "--log-steps", "1", until=state["steps"] + 1)
                self.assertEqual(again.steps, state["steps"] + 1)


class Weights(Folder):
    def test_metadata_count_the_steps_before(self) -> None:
        first = self.train("first").args.out / "denoise.safetensors"
        second = self.train("second", "--init", str(first), "--steps", "2").args.out / "denoise.safetensors"
        self.assertEqual([metadata(path)[STEPS] for path in (first, second)], ["4", "6"])
        self.train("third", "--init", str(second), "--steps", "2", until=1)
        third = self.train("third", "--init", str(second), "--steps", "2").args.out / "denoise.safetensors"
        self.assertEqual(metadata(third)[STEPS], "8")
        plain, mean = self.folder / "plain.safetensors", self.folder / "mean.safetensors"
        save_file(load_file(first), plain)
        for second_path, said in ((second, "after 6 steps"), (plain, "after 0 steps")):
            words = ["average_weights.py", str(first), str(second_path), "--share", "0.4", "-o", str(mean)]
            with mock.patch.object(sys, "argv", words):
                average_weights.main()
            self.assertEqual(metadata(mean)[MEAN], f"0.6 of weights after 4 steps, 0.4 of weights {said}")

    def test_widened_weights_compute_the_same(self) -> None:
        wide = Config(n=8, s=5, o=7, num_cab=1, shuffle=2)
        narrow_weights = {key: torch.from_numpy(value) for key, value in weights(TINY.shapes(), 1).items()}
        narrow_network, wide_network = MPRNet(TINY), MPRNet(wide)
        narrow_network.load_state_dict(narrow_weights)
        wide_network.load_state_dict(widened(narrow_weights, TINY, wide))
        image = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            for narrow, broad in zip(narrow_network(image), wide_network(image), strict=True):
                self.assertLess((narrow - broad).abs().max().item(), 1e-5)

    def test_weights_that_cannot_be_read_are_named(self) -> None:
        with self.assertRaisesRegex(SystemExit, "cannot read the weights of --init"):
            self.train("none", "--init", str(self.folder / "missing.safetensors"))


class Judging(Folder):
    def test_sets_are_what_was_measured(self) -> None:
        frames = write_photos(self.folder / "frames", 60, 96, 2)
        photo = np.asarray(sample())
        found = {}
        for task in TASKS:
            args = argparse.Namespace(task=task, sigma=[15, 25, 50, 75], frames=frames)
            for name, pairs in evaluate.cases(args, [photo]):
                if name == "clean":
                    continue
                degraded, target = (to_tensor(image) for image in next(iter(pairs)))
                stays = torch.equal(degraded, target)
                found[name] = psnr(degraded, to_tensor(photo) if stays else target)
        self.assertEqual(list(found), list(JUDGED))
        for name, expected in JUDGED.items():
            with self.subTest(name):
                self.assertAlmostEqual(found[name], expected, delta=0.05)

    def test_a_network_that_changes_nothing(self) -> None:
        network = MPRNet(TINY)
        still = {
            key: torch.zeros_like(value) if key.startswith("tail") else value
            for key, value in network.state_dict().items()
        }
        path = self.folder / "still.safetensors"
        save_file(still, path)
        photos = write_photos(self.folder / "small", 2, 72, 90)
        for task in TASKS:
            words = ["evaluate.py", str(path), "--task", task, "--photos", str(photos)]
            with mock.patch.object(sys, "argv", words), contextlib.redirect_stdout(io.StringIO()) as log:
                evaluate.main()
            changed = re.findall(r"^(.*): (\S+) -> (\S+) dB, 2 images$", log.getvalue(), re.MULTILINE)
            stay = re.findall(r"stay at inf dB, at worst inf dB, 2 images; mean colour moves by 0.00 ", log.getvalue())
            self.assertGreaterEqual(len(changed), 5)
            self.assertEqual(len(changed) + len(stay), len(log.getvalue().splitlines()))
            for name, before, after in changed:
                self.assertEqual(before, after, name)


class CommandLine(unittest.TestCase):
    @staticmethod
    def commands(script: str) -> Iterator[list[str]]:
        """The words of every command of a script in models/README.md."""
        text = (REPOSITORY / "models/README.md").read_text().replace("\\\n", " ")
        for line in re.findall(rf"^    python tools/{script} (.*)$", text, re.MULTILINE):
            yield shlex.split(line)

    def test_the_commands_of_the_models(self) -> None:
        begun: dict[str, str] = {}
        inits = set()
        for words in self.commands("train.py"):
            args = train.parse_args(words)
            self.assertNotIn(str(args.out), begun, "a folder holds one training")
            begun[str(args.out)] = args.task
            if args.init:
                inits.add(str(args.init))
        self.assertGreater(len(begun), 10)
        made = {f"{out}/{task}.safetensors" for out, task in begun.items()}
        made |= {words[words.index("-o") + 1] for words in self.commands("average_weights.py")}
        made |= {f"models/{task}.safetensors" for task in TASKS}
        self.assertEqual(inits - made, set(), "no command makes what another begins with")

    def test_what_cannot_be_trained_is_refused(self) -> None:
        needed = ["--photos", "p", "--val", "v", "--out", "o", "--trained-on", "t", "--license", "l"]
        sizes = ["--config", "4/4/4/1,shuffle=2"]
        for options, said in (
            (["--steps", "0"], "at least 1"),
            (["--steps", "-3"], "at least 1"),
            (["--time-budget", "0"], "above 0"),
            (["--time-budget", "nan"], "above 0"),
            (["--steps", "1", "--phases", "1x24:1"], "not a multiple of 16"),
            (["--steps", "1", "--phases", "1x32:0.5"], "add up to 0.5"),
            (["--steps", "1", "--phases", "0x32:1"], "no crops"),
            (["--steps", "1", "--val-size", "24"], "not a multiple of 16"),
            (["--steps", "1", "--frames", "f"], "--frames is for"),
        ):
            errors = io.StringIO()
            with self.subTest(options), self.assertRaises(SystemExit), contextlib.redirect_stderr(errors):
                train.parse_args([*needed, *sizes, *options])
            self.assertIn(said, errors.getvalue().splitlines()[-1])


class Untouched(Folder):
    def test_what_is_to_stay_is_eight_bits(self) -> None:
        photos = load_photos(self.photos, 16)
        tasks = (Denoising(photos, 1), Deraining(photos, 1), Deblurring(photos, 1, None))
        for task, seed in itertools.product(tasks, range(12)):
            degraded, clean = task.batch(2, 16, seed, 0)
            self.assertTrue(np.array_equal(degraded, clean))
            self.assertTrue(np.array_equal(clean, clean.astype(np.uint8)), f"{type(task).__name__}, seed {seed}")


if __name__ == "__main__":
    unittest.main()
