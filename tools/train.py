"""Trains an MPRNet to remove noise, rain or motion blur, and writes its weights as f16 safetensors.

    python train.py --task denoise --photos DIR --val DIR --out training/denoise --config 16/16/16/4,shuffle=2 \\
      --time-budget 90 --trained-on "trained on ..." --license "..."
    python train.py --task deblur --frames DIR --init training/denoise/denoise.safetensors ...

The folder --out keeps `state.pt`, from which the same command goes on after an interruption, and `TASK.safetensors`,
the moving average of the weights, both replaced whole at every checkpoint and on Ctrl-C and SIGTERM. With --steps a run
can be repeated; with --time-budget the learning rate follows the clock, so that a busy machine ends in time too.
"""

from __future__ import annotations

import argparse
import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from degrade import MAX_SIGMA
from judging import TASKS, psnr, validation
from mprnet_torch import Config, MPRNet
from seeded_weights import parse_config
from training_data import (
    MARGIN,
    Deblurring,
    Denoising,
    Deraining,
    Mixed,
    Supply,
    Task,
    large_enough,
    load_frames,
    load_photos,
    to_tensor,
)
from training_loss import LOSSES, over_stages
from training_objective import Objectives
from training_state import arguments, description, saved_state, steps_before, write_whole
from widen import widened

WARM_UP = 0.02
FINAL_RATE = 1e-6
EMA_DECAY = 0.999
GRADIENT_NORM = 1.0

BF16_FLAGS = ("avx512_bf16", "amx_bf16")
"""What the processors that multiply in bf16 call it in Linux."""


@dataclass(frozen=True)
class Phase:
    """Crops of one size, until a share of the training is done."""

    count: int
    size: int
    share: float
    until: float
    """The sum of the shares up to this one's end."""

    def __str__(self) -> str:
        return f"{self.count}x{self.size}:{self.share:g}"


def parse_phases(text: str) -> list[Phase]:
    """`COUNTxSIZE:SHARE,...`: that many crops of that size during that share of the training."""
    phases, until = [], 0.0
    try:
        for part in text.split(","):
            crops, _, share = part.partition(":")
            count, size = (int(number) for number in crops.split("x"))
            until += (part_share := float(share or 1))
            phases.append(Phase(count=count, size=size, share=part_share, until=until))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not COUNTxSIZE:SHARE,...") from None
    if any(phase.count < 1 for phase in phases):
        raise argparse.ArgumentTypeError(f"a batch of {text!r} has no crops")
    if abs(until - 1) > 1e-6:
        raise argparse.ArgumentTypeError(f"the shares of {text!r} add up to {until:g}, not 1")
    return phases


def learning_rate(peak: float, progress: float) -> float:
    """A short linear warm-up, then a cosine to almost nothing; `progress` runs from 0 to 1."""
    if progress < WARM_UP:
        return peak * max(progress / WARM_UP, 1e-2)
    cosine = 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))
    return FINAL_RATE + (peak - FINAL_RATE) * cosine


def mixed(precision: str, device: torch.device) -> bool:
    """Whether the network computes in bf16: if told to, or where the hardware gains by it."""
    if precision != "auto":
        return precision == "bf16"
    if device.type != "cpu":
        return True
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and any(flag in cpuinfo.read_text().split() for flag in BF16_FLAGS)


def initial_weights(path: Path, config: Config) -> dict[str, Tensor]:
    """The weights of a safetensors file of the same configuration or a narrower one, as float32."""
    try:
        weights = load_file(path)
        found = Config.from_state_dict({key: tuple(value.shape) for key, value in weights.items()})
        return widened(weights, found, config)
    except (OSError, SafetensorError) as error:
        raise SystemExit(f"cannot read the weights of --init {path}: {error}") from None
    except ValueError as error:
        raise SystemExit(f"{path}: {error}") from None


def make_task(args: argparse.Namespace) -> Task:
    """The task of the command line with its photographs, which are read once, also for several."""
    largest = max(phase.size for phase in args.phases)
    photos = load_photos(args.photos, largest)

    def single(name: str) -> Task:
        if name == "denoise":
            return Denoising(photos, args.clean_share, args.max_sigma, args.camera_share, args.grain_share)
        if name == "derain":
            return Deraining(photos, args.clean_share)
        frames = load_frames(args.frames, largest)[0] if args.frames else None
        return Deblurring(large_enough(photos, largest + 2 * MARGIN, args.photos), args.clean_share, frames)

    return Mixed([single(each) for each in TASKS]) if args.task == "all" else single(args.task)


def mean_psnr(pairs: list[tuple[Tensor, Tensor]], restore: Callable[[Tensor], Tensor]) -> float:
    """Mean PSNR of what `restore` makes of the first of each pair."""
    return sum(psnr(restore(degraded), clean) for degraded, clean in pairs) / len(pairs)


class Trainer:
    """A network, its optimizer, the moving average of its weights, and how far the training has come."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.arguments = arguments(args)
        self.task = make_task(args)
        # The workers of the supply are forked here, before anything touches CUDA.
        self.supply = Supply(self.task, args.seed, args.workers)
        self.device = torch.device(args.device)
        torch.manual_seed(args.seed)
        self.network = self.place(MPRNet(args.config))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=args.rate, betas=(0.9, 0.99), fused=True)
        self.average = self.place(MPRNet(args.config))
        # Compiled for training only: the parameters, and so the state, stay those of the network itself.
        forward = torch.compile(self.network) if args.compile else self.network
        loss = over_stages(args.loss, args.early)
        self.objective = Objectives(self.network, forward, loss, mixed(args.precision, self.device))
        sets = validation(args.task, args.val, args.frames, args.val_sigma, args.val_crops, args.val_size)
        self.sets = {
            name: [tuple(to_tensor(image[None], self.device) for image in pair) for pair in pairs]
            for name, pairs in sets.items()
        }
        self.steps = self.steps_before = 0
        self.seconds = 0.0
        self.counted = time.monotonic()
        self.stopped = False

    def place(self, network: MPRNet) -> MPRNet:
        """The network on the device, its channels last."""
        return network.to(self.device, memory_format=torch.channels_last)

    @property
    def progress(self) -> float:
        """The share of the training that is done, in steps or in time."""
        if self.args.steps:
            return min(self.steps / self.args.steps, 1)
        return min(self.seconds / (60 * self.args.time_budget), 1)

    def phase(self, progress: float) -> Phase:
        """The crops at that point of the training."""
        return next((phase for phase in self.args.phases if progress < phase.until), self.args.phases[-1])

    def step(self) -> Tensor:
        """One batch; returns the loss and the norm of its gradient, for which a GPU is not waited for."""
        progress = self.progress
        phase = self.phase(progress)
        pair = self.supply.batch(phase.count, phase.size, self.steps)
        degraded, clean = (to_tensor(images, self.device) for images in pair)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.args.rate, progress)
        self.optimizer.zero_grad(set_to_none=True)
        value = self.objective(degraded, clean)
        value.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM)
        self.optimizer.step()
        self.steps += 1
        self.follow()
        return torch.stack((value.detach(), norm))

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the weights, faster in the beginning than later."""
        decay = min(EMA_DECAY, (1 + self.steps) / (10 + self.steps))
        averages, weights = list(self.average.parameters()), list(self.network.parameters())
        torch._foreach_lerp_(averages, weights, 1 - decay)

    @torch.inference_mode()
    def validate(self) -> str:
        """PSNR of degraded validation images before and after the averaged weights, and of clean ones after them."""
        parts = [
            f"{name}: {mean_psnr(pairs, lambda image: image):.2f} -> {mean_psnr(pairs, self.restore):.2f} dB"
            for name, pairs in self.sets.items()
        ]
        clean = [(image, image) for pairs in self.sets.values() for _, image in pairs]
        return ", ".join([*parts, f"clean: {mean_psnr(clean, self.restore):.2f} dB"])

    def watch(self) -> None:
        """Prints the validation."""
        self.report(self.validate())

    def restore(self, image: Tensor) -> Tensor:
        """The image of stage 3 of the averaged weights."""
        return self.average(image)[2]

    def checkpoint(self) -> None:
        """Saves the state and the averaged weights."""
        if not all(parameter.isfinite().all() for parameter in self.average.parameters()):
            raise SystemExit(f"the weights are not finite; {self.args.out} keeps what was saved before")
        state = {
            "config": vars(self.args.config),
            "task": self.args.task,
            "arguments": self.arguments,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "steps_before": self.steps_before,
            "seconds": self.seconds,
        }
        write_whole(self.args.out / "state.pt", lambda path: torch.save(state, path))
        weights = {key: value.half().cpu().contiguous() for key, value in self.average.state_dict().items()}
        exported = self.args.out / f"{self.args.task}.safetensors"
        size = self.phase(self.progress).size
        metadata = description(self.args, self.task.removes, self.steps_before + self.steps, size)
        write_whole(exported, lambda path: save_file(weights, path, metadata=metadata))
        # The writer's files are private to their owner.
        exported.chmod(0o644)

    def begin(self) -> None:
        """Goes on from the state in the folder, if there is one, or begins with the weights of --init, if there are."""
        path, init = self.args.out / "state.pt", self.args.init
        if not path.exists():
            if init:
                self.network.load_state_dict(initial_weights(init, self.args.config))
                self.steps_before = steps_before(init)
            self.average.load_state_dict(self.network.state_dict())
            return
        state = saved_state(path, self.args, self.arguments)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps, self.seconds = state["steps"], state["seconds"]
        self.steps_before = state.get("steps_before", steps_before(init))
        self.report("resumed")

    def count_time(self) -> None:
        """Adds the time since it was last counted: on a GPU, steps are waited for wherever something is read."""
        now = time.monotonic()
        self.seconds += now - self.counted
        self.counted = now

    def report(self, text: str) -> None:
        """One line of the log."""
        print(f"{self.progress:6.1%} step {self.steps} {self.seconds / 60:.1f} min: {text}", flush=True)

    def stop(self, *_: object) -> None:
        """Has the training end after the step that it is at."""
        self.stopped = True

    def run(self) -> None:
        """Trains to the end, or until it is told to stop, which loses nothing."""
        # Set after the workers have been forked, which SIGTERM is to end.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.stop)
        minutes = {self.checkpoint: self.args.checkpoint_minutes, self.watch: self.args.validate_minutes}
        due = {action: self.seconds + 60 * every for action, every in minutes.items()}
        recent: list[Tensor] = []
        self.counted = time.monotonic()
        while self.progress < 1 and not self.stopped:
            recent.append(self.step())
            if len(recent) == self.args.log_steps:
                value, norm = torch.stack(recent).mean(0).tolist()
                rate = self.optimizer.param_groups[0]["lr"]
                self.report(f"loss {value:.5f}, gradient {norm:.3f}, rate {rate:.2e}")
                recent.clear()
            self.count_time()
            for action, every in minutes.items():
                if self.seconds >= due[action]:
                    action()
                    self.count_time()
                    due[action] = self.seconds + 60 * every
        self.checkpoint()
        if self.stopped:
            self.report("stopped")
            return
        self.watch()
        self.report("done")


def whole(text: str) -> int:
    """A whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def positive(text: str) -> float:
    """A number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def misfit(args: argparse.Namespace) -> str | None:
    """What does not go together in a command line."""
    if args.frames and args.task not in ("deblur", "all"):
        return "--frames is for --task deblur and all"
    sizes = [("--phases", phase.size) for phase in args.phases] + [("--val-size", args.val_size)]
    for option, size in sizes:
        if size < 1 or size % args.config.multiple:
            return f"{option}: {size} pixels are not a multiple of {args.config.multiple}, as the configuration wants"
    return None


def parse_args(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--task", choices=(*TASKS, "all"), default="denoise")
    option("--photos", type=Path, required=True, help="folder of clean photographs to train on")
    option("--val", type=Path, required=True, help="folder of clean photographs to validate on")
    option("--out", type=Path, required=True, help="folder for the state and the weights")
    option("--frames", type=Path, help="folder of consecutive frames to average for deblurring; the last 40 validate")
    option("--init", type=Path, help="safetensors file to start from, of this configuration or one with fewer channels")
    option("--config", type=parse_config, required=True, help=parse_config.__doc__.replace("`", ""))
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=whole, help="length of the training in steps")
    length.add_argument("--time-budget", type=positive, help="length of the training in minutes")
    option("--phases", type=parse_phases, default="8x64:1", help=parse_phases.__doc__.replace("`", ""))
    option("--rate", type=positive, default=1e-3, help="peak learning rate (%(default)s)")
    option("--loss", choices=LOSSES, default="paper", help="MPRNet's, or minus the PSNR for the end (%(default)s)")
    option("--early", type=float, default=1, help="what stages 1 and 2 count in it, beside stage 3's 1 (%(default)s)")
    option("--max-sigma", type=float, default=MAX_SIGMA, help="strongest Gaussian noise, of 255 (%(default)s)")
    option("--camera-share", type=float, default=0.25, help="share of noise as sensors make it (%(default)s)")
    option("--grain-share", type=float, default=0.35, help="share of noise as pictures have it (%(default)s)")
    option("--clean-share", type=float, default=0.08, help="share of crops that are not degraded (%(default)s)")
    option("--seed", type=int, default=1)
    option("--device", default="cpu", help="cpu or cuda (%(default)s)")
    option("--workers", type=int, default=0, help="processes that degrade crops; 0 is none besides (%(default)s)")
    option("--threads", type=whole, default=1, help="CPU threads (%(default)s)")
    option("--log-steps", type=whole, default=100, help="steps between lines of the log (%(default)s)")
    option("--precision", choices=("auto", "f32", "bf16"), default="auto", help="of the network (%(default)s)")
    option("--compile", action="store_true", help="torch.compile; wants a C++ compiler and some minutes")
    option("--checkpoint-minutes", type=float, default=10, help="minutes between saved states (%(default)s)")
    option("--validate-minutes", type=float, default=30, help="minutes between validations (%(default)s)")
    option("--val-crops", type=whole, default=12, help="images to validate on (%(default)s)")
    option("--val-size", type=whole, default=256, help="side of a validation crop (%(default)s)")
    option("--val-sigma", type=float, default=25, help="Gaussian noise of the validation (%(default)s)")
    option("--trained-on", required=True, help="statement about the training data, stored with the weights")
    option("--license", required=True, help="licence of the weights, stored with them")
    args = parser.parse_args(words)
    if message := misfit(args):
        parser.error(message)
    return args


def main() -> None:
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.backends.cudnn.benchmark = True
    trainer = Trainer(args)
    trainer.begin()
    trainer.run()


if __name__ == "__main__":
    main()
