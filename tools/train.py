"""Trains an MPRNet to remove Gaussian noise, on a CPU, and writes its weights as f16 safetensors.

    python train.py --photos DIR --val DIR --out training/denoise --config 24/8/8/4,shuffle=2 --time-budget 90

The folder --out keeps `state.pt`, from which the same command goes on after an interruption, and
`denoise.safetensors`, the moving average of the weights, replaced whole at every checkpoint. With --steps a run can be
repeated; with --time-budget the learning rate follows the clock, so that a busy machine ends in time too.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mprnet_torch import MPRNet
from seeded_weights import parse_config
from training_data import DenoisingCrops, load_photos, validation_pairs
from training_loss import loss

WARM_UP = 0.02
FINAL_RATE = 1e-6
EMA_DECAY = 0.999
GRADIENT_NORM = 1.0
CHECKPOINT = "denoise.safetensors"


@dataclass(frozen=True)
class Phase:
    """Crops of one size, until a share of the training is done."""

    count: int
    size: int
    until: float


def parse_phases(text: str) -> list[Phase]:
    """`COUNTxSIZE:SHARE,...`: that many crops of that size during that share of the training."""
    phases, until = [], 0.0
    try:
        for part in text.split(","):
            crops, _, share = part.partition(":")
            count, size = (int(number) for number in crops.split("x"))
            until += float(share or 1)
            phases.append(Phase(count=count, size=size, until=until))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not COUNTxSIZE:SHARE,...") from None
    if abs(until - 1) > 1e-6:
        raise argparse.ArgumentTypeError(f"the shares of {text!r} add up to {until:g}, not 1")
    return phases


def learning_rate(peak: float, progress: float) -> float:
    """A short linear warm-up, then a cosine to almost nothing; `progress` runs from 0 to 1."""
    if progress < WARM_UP:
        return peak * max(progress / WARM_UP, 1e-2)
    cosine = 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))
    return FINAL_RATE + (peak - FINAL_RATE) * cosine


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Writes a file under another name and renames it, so that no reader sees half of it."""
    temporary = path.with_name(path.name + ".tmp")
    write(temporary)
    os.replace(temporary, path)


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of images rounded to 8 bits, over all channels; infinite for equal ones."""
    a, b = ((image.clamp(0, 1) * 255).round() for image in (a, b))
    error = ((a - b) ** 2).mean().item()
    return 10 * math.log10(255**2 / error) if error else math.inf


class Trainer:
    """A network, its optimizer, the moving average of its weights, and how far the training has come."""

    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self.args = args
        self.network = MPRNet(args.config).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=args.rate, betas=(0.9, 0.99))
        self.average = MPRNet(args.config).to(memory_format=torch.channels_last)
        self.average.load_state_dict(self.network.state_dict())
        largest = max(phase.size for phase in args.phases)
        self.crops = DenoisingCrops(load_photos(args.photos, largest), args.max_sigma, args.clean_share, args.seed)
        self.pairs = validation_pairs(args.val, args.val_crops, args.val_size, args.val_sigma)
        self.steps = 0
        self.seconds = 0.0

    @property
    def progress(self) -> float:
        """The share of the training that is done, in steps or in time."""
        if self.args.steps:
            return min(self.steps / self.args.steps, 1)
        return min(self.seconds / (60 * self.args.time_budget), 1)

    def step(self) -> tuple[float, float]:
        """One batch; returns the loss and the norm of its gradient."""
        began = time.monotonic()
        progress = self.progress
        phase = next((phase for phase in self.args.phases if progress < phase.until), self.args.phases[-1])
        noisy, clean = self.crops.batch(phase.count, phase.size)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.args.rate, progress)
        value = loss(self.network(noisy.contiguous(memory_format=torch.channels_last)), clean)
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM, error_if_nonfinite=True)
        self.optimizer.step()
        self.steps += 1
        self.follow()
        self.seconds += time.monotonic() - began
        return value.item(), norm.item()

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the weights, faster in the beginning than later."""
        decay = min(EMA_DECAY, (1 + self.steps) / (10 + self.steps))
        averages, weights = list(self.average.parameters()), list(self.network.parameters())
        torch._foreach_lerp_(averages, weights, 1 - decay)

    @torch.inference_mode()
    def validate(self) -> str:
        """PSNR of the averaged weights on noisy and on clean validation crops."""
        noisy_psnr = [psnr(noisy, clean) for noisy, clean in self.pairs]
        restored = [psnr(self.average(noisy)[2], clean) for noisy, clean in self.pairs]
        kept = [psnr(self.average(clean)[2], clean) for _, clean in self.pairs]
        mean = [sum(values) / len(values) for values in (noisy_psnr, restored, kept)]
        return f"sigma {self.args.val_sigma:g}: {mean[0]:.2f} -> {mean[1]:.2f} dB, clean: {mean[2]:.2f} dB"

    def checkpoint(self) -> None:
        """Saves the state and the averaged weights, and prints the validation."""
        began = time.monotonic()
        state = {
            "config": vars(self.args.config),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.crops.generator.bit_generator.state,
            "steps": self.steps,
            "seconds": self.seconds,
        }
        write_whole(self.args.out / "state.pt", lambda path: torch.save(state, path))
        weights = {key: value.half().contiguous() for key, value in self.average.state_dict().items()}
        write_whole(self.args.out / CHECKPOINT, lambda path: save_file(weights, path, metadata=self.metadata()))
        # The writer's files are private to their owner.
        (self.args.out / CHECKPOINT).chmod(0o644)
        self.report(self.validate())
        self.seconds += time.monotonic() - began

    def metadata(self) -> dict[str, str]:
        """What the weights are, for whoever opens the file."""
        return {
            "modelspec.sai_model_spec": "1.0.0",
            "modelspec.architecture": "mprnet",
            "modelspec.title": "MPRNet denoise, light",
            "modelspec.description": "Removes Gaussian noise of sigma 0 to "
            f"{self.args.max_sigma:g} from sRGB photographs; {self.args.trained_on}.",
            "modelspec.license": self.args.license,
            "task": "denoise",
            "training_data": self.args.trained_on,
            "training_steps": str(self.steps),
        }

    def resume(self) -> None:
        """Goes on from the state in the folder, if there is one."""
        path = self.args.out / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["config"] != vars(self.args.config):
            raise SystemExit(f"{path} is of another configuration: {state['config']}")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.crops.generator.bit_generator.state = state["generator"]
        self.steps, self.seconds = state["steps"], state["seconds"]
        self.report("resumed")

    def report(self, text: str) -> None:
        """One line of the log."""
        print(f"{self.progress:6.1%} step {self.steps} {self.seconds / 60:.1f} min: {text}", flush=True)

    def run(self) -> None:
        """Trains to the end."""
        next_checkpoint = self.seconds + 60 * self.args.checkpoint_minutes
        recent: list[tuple[float, float]] = []
        while self.progress < 1:
            recent.append(self.step())
            if len(recent) == self.args.log_steps:
                value, norm = (sum(column) / len(recent) for column in zip(*recent, strict=True))
                rate = self.optimizer.param_groups[0]["lr"]
                self.report(f"loss {value:.5f}, gradient {norm:.3f}, rate {rate:.2e}")
                recent.clear()
            if self.seconds >= next_checkpoint:
                self.checkpoint()
                next_checkpoint = self.seconds + 60 * self.args.checkpoint_minutes
        self.checkpoint()
        self.report("done")


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--photos", type=Path, required=True, help="folder of clean photographs to train on")
    option("--val", type=Path, required=True, help="folder of clean photographs to validate on")
    option("--out", type=Path, required=True, help="folder for the state and the weights")
    option("--config", type=parse_config, required=True, help=parse_config.__doc__.replace("`", ""))
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help="length of the training in steps")
    length.add_argument("--time-budget", type=float, help="length of the training in minutes")
    option("--phases", type=parse_phases, default="8x64:1", help=parse_phases.__doc__.replace("`", ""))
    option("--rate", type=float, default=1e-3, help="peak learning rate (%(default)s)")
    option("--max-sigma", type=float, default=50, help="strongest noise, on the 0..255 scale (%(default)s)")
    option("--clean-share", type=float, default=0.08, help="share of crops without noise (%(default)s)")
    option("--seed", type=int, default=1)
    option("--threads", type=int, default=1, help="CPU threads (%(default)s)")
    option("--log-steps", type=int, default=100, help="steps between lines of the log (%(default)s)")
    option("--checkpoint-minutes", type=float, default=5, help="minutes between checkpoints (%(default)s)")
    option("--val-crops", type=int, default=12, help="photographs to validate on (%(default)s)")
    option("--val-size", type=int, default=256, help="side of a validation crop (%(default)s)")
    option("--val-sigma", type=float, default=25, help="noise of the validation (%(default)s)")
    option("--trained-on", required=True, help="statement about the training data, stored with the weights")
    option("--license", required=True, help="licence of the weights, stored with them")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    trainer = Trainer(args)
    trainer.resume()
    trainer.run()


if __name__ == "__main__":
    main()
