"""Photographs in memory, and the endless seeded pairs of degraded and clean crops that each task learns from."""

from __future__ import annotations

import multiprocessing
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from degrade import MAX_SIGMA, add_noise, camera_noise, exposed, maybe_jpeg, quantized
from degrade_blur import FRAME_COUNTS, average_frames, finish
from degrade_grain import grainy
from degrade_motion import MARGIN, defocused, motion, soft
from degrade_storm import hazy, plain, random_storm

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}
HELD_OUT = 40
"""Frames at the end of a folder that are for validation only."""
TRAINING = 1
"""Marks the seeds of training, [seed, step, TRAINING]; those that networks are judged with have two parts."""

ROUNDED_SHARE, GAUSSIAN_JPEG_SHARE = 0.6, 0.4
"""Crops with Gaussian noise that are rounded to 8 bits, and those of them that are saved as JPEG."""

LONG_COUNTS = (*FRAME_COUNTS, 17)
"""Frames that are averaged in training: a little beyond what networks are judged with."""
SHRUNK_SHARE, MAX_SHRINK = 0.4, 1.7
"""Crops made of more pixels of their photo: sharper than its JPEG, and of things farther away."""
SOFT_SHARE = 0.5
"""Pictures that stay as they are although they are soft, among those that stay."""
SOFT_TARGETS = 0.35
"""Moving pictures that were soft before they moved: what is left of the blur is not to be sharpened."""
DEFOCUSED_SHARE = 0.6
"""Pictures out of focus among the soft ones."""

LONG_SHARE, MOST_LIGHT = 0.3, 4.0
"""Pictures exposed for too long, and how much, among those that did not move."""

HAZY_SHARE, PLAIN_SHARE = 0.35, 0.3
"""Hazy days, and plain things, among the pictures without rain that stay as they are."""
WALL_SHARE, PALE_SHARE = 0.3, 0.4
"""Walls of any brightness, and photographs of little contrast, among the plain things; the others are of the
photographs."""

TEXTURED_SHARE = 0.5
"""Crops of the finest texture among those without noise: it is what is taken for noise."""

PLACES = 3
"""Places that are looked at for each crop that is to be of a kind."""

Pair = tuple[np.ndarray, np.ndarray]
"""A degraded and a clean image, float32 [H, W, 3] on the 0..255 scale."""


def photo_files(folder: Path) -> list[Path]:
    """The photographs of a folder, in the order of their names."""
    if not folder.is_dir():
        raise SystemExit(f"{folder} is not a folder of photographs")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise SystemExit(f"{folder} holds no photographs")
    return files


def load_photos(folder: Path, smallest: int) -> list[np.ndarray]:
    """Every photograph of a folder as u8 HxWx3, in the order of their names."""
    photos = [np.asarray(Image.open(file).convert("RGB")) for file in photo_files(folder)]
    return large_enough(photos, smallest, folder)


def large_enough(photos: list[np.ndarray], smallest: int, folder: Path) -> list[np.ndarray]:
    """Those photographs of a folder that are `smallest` pixels or more to either side."""
    large = [photo for photo in photos if min(photo.shape[:2]) >= smallest]
    if not large:
        raise SystemExit(f"{folder} holds no photograph of at least {smallest}x{smallest}")
    return large


def load_frames(folder: Path, smallest: int) -> tuple[np.ndarray, np.ndarray]:
    """Consecutive frames of one size, u8 [N, H, W, 3]: those to train on and those held out."""
    frames = load_photos(folder, smallest)
    if len({frame.shape for frame in frames}) > 1:
        raise SystemExit(f"the frames of {folder} differ in size")
    if len(frames) < HELD_OUT + max(FRAME_COUNTS):
        raise SystemExit(f"{folder} holds {len(frames)} frames, at least {HELD_OUT + max(FRAME_COUNTS)} are needed")
    return np.stack(frames[:-HELD_OUT]), np.stack(frames[-HELD_OUT:])


def to_tensor(images: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Images [..., H, W, 3] on the 0..255 scale as float32 [..., 3, H, W] in 0..1, their channels last in memory."""
    # PyTorch wants arrays that could be written to; pictures that were read from files cannot.
    tensor = torch.from_numpy(np.require(images, requirements="W"))
    if torch.device(device).type == "cuda":
        # From pinned memory the copy is made while the host goes on.
        tensor = tensor.pin_memory().to(device, non_blocking=True)
    return tensor.float().div(255).movedim(-1, -3)


def compact(images: np.ndarray) -> np.ndarray:
    """The images as u8 where nothing is lost by that: a quarter of what goes between processes and to a GPU."""
    whole = images.astype(np.uint8)
    return whole if np.array_equal(whole, images) else images


def cut(image: np.ndarray, size: int, generator: np.random.Generator) -> np.ndarray:
    """A random square of an image or of frames, [..., size, size, 3]."""
    top = generator.integers(image.shape[-3] - size + 1)
    left = generator.integers(image.shape[-2] - size + 1)
    return image[..., top : top + size, left : left + size, :]


def turn(square: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A square or frames of squares, flipped and turned at random."""
    if generator.random() < 0.5:
        square = square[..., ::-1, :]
    return np.rot90(square, generator.integers(4), axes=(-3, -2))


def fineness(crop: np.ndarray) -> float:
    """How much neighbouring pixels differ."""
    return float(np.abs(np.diff(crop, axis=0)).mean() + np.abs(np.diff(crop, axis=1)).mean())


def middle(image: np.ndarray, size: int) -> np.ndarray:
    """The square in the middle of an image or of frames."""
    top, left = (image.shape[-3] - size) // 2, (image.shape[-2] - size) // 2
    return image[..., top : top + size, left : left + size, :]


def softened(clean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A picture that is not sharp though nothing moved: soft all over, or out of focus."""
    return quantized((defocused if generator.random() < DEFOCUSED_SHARE else soft)(clean, generator))


class Task(ABC):
    """What a network learns: pairs of degraded and clean crops, each of them a function of a generator alone."""

    removes: str
    """What the trained network removes, for the description of its weights."""

    def __init__(self, photos: list[np.ndarray], clean_share: float) -> None:
        self.photos = photos
        self.clean_share = clean_share
        # A photo is drawn as often as its area says, so that every pixel is equally likely.
        areas = np.array([photo.shape[0] * photo.shape[1] for photo in photos], np.float64)
        self.shares = areas / areas.sum()

    def crop(self, size: int, generator: np.random.Generator) -> np.ndarray:
        """A random square of a random photo, float32."""
        photo = self.photos[generator.choice(len(self.photos), p=self.shares)]
        side = size
        if generator.random() < SHRUNK_SHARE:
            side = int(generator.uniform(size, min(MAX_SHRINK * size, *photo.shape[:2])))
        square = cut(photo, side, generator)
        if side > size:
            square = np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.LANCZOS))
        return turn(square, generator).astype(np.float32)

    def pair(self, size: int, generator: np.random.Generator) -> Pair:
        """A degraded and a clean crop; in `clean_share` of the cases equal, so that clean photos stay as they are."""
        if generator.random() < self.clean_share:
            clean = self.untouched(size, generator)
            return clean, clean
        return self.degraded_pair(size, generator)

    def untouched(self, size: int, generator: np.random.Generator) -> np.ndarray:
        """A crop that is to stay as it is."""
        return self.crop(size, generator)

    @abstractmethod
    def degraded_pair(self, size: int, generator: np.random.Generator) -> Pair:
        """A crop and its degraded self."""

    def batch(self, count: int, size: int, seed: int, step: int) -> Pair:
        """The degraded and clean crops of a step, [count, size, size, 3] each."""
        generator = np.random.default_rng([seed, step, TRAINING])
        degraded, clean = zip(*(self.pair(size, generator) for _ in range(count)), strict=True)
        return np.stack(degraded), np.stack(clean)


class Denoising(Task):
    """Gaussian noise, noise as sensors make it, and noise as it is found in pictures."""

    def __init__(
        self,
        photos: list[np.ndarray],
        clean_share: float,
        max_sigma: float = MAX_SIGMA,
        camera_share: float = 0.25,
        grain_share: float = 0.35,
    ) -> None:
        super().__init__(photos, clean_share)
        self.max_sigma = max_sigma
        self.kinds = camera_share, grain_share
        camera = " and camera-like noise" if camera_share + grain_share else ""
        self.removes = f"Gaussian noise of sigma 0 to {max_sigma:g}{camera}"

    def degraded_pair(self, size: int, generator: np.random.Generator) -> Pair:
        clean = self.crop(size, generator)
        camera_share, grain_share = self.kinds
        kind = generator.random()
        if kind < camera_share:
            return camera_noise(clean, generator), clean
        if kind < camera_share + grain_share:
            return grainy(clean, generator)
        sigma = generator.uniform(0, self.max_sigma)
        # Some crops keep values past black and white: rounded 8-bit files are what is restored in the end, but
        # clipping hides that the noise is symmetric.
        rounded = generator.random() < ROUNDED_SHARE
        noisy = add_noise(clean, sigma, rounded, generator)
        return maybe_jpeg(noisy, GAUSSIAN_JPEG_SHARE, generator) if rounded else noisy, clean

    def untouched(self, size: int, generator: np.random.Generator) -> np.ndarray:
        """A photo without noise; of fine texture in a share of the cases."""
        if generator.random() >= TEXTURED_SHARE:
            return self.crop(size, generator)
        return max((self.crop(size, generator) for _ in range(PLACES)), key=fineness)


class Deraining(Task):
    """Rain, from a few streaks to a downpour."""

    removes = "rain streaks and their mist"

    def degraded_pair(self, size: int, generator: np.random.Generator) -> Pair:
        clean = self.crop(size, generator)
        return random_storm(clean, generator), clean

    def untouched(self, size: int, generator: np.random.Generator) -> np.ndarray:
        """A photo without rain; what could be taken for mist in a share of the cases."""
        kind = generator.random()
        if kind < PLAIN_SHARE:
            which = generator.random()
            if which < PALE_SHARE:
                return plain(self.crop(size, generator), generator)
            # Walls, skies and sails: in a crop that shows nothing else, they look like mist.
            smooth = min((self.crop(size, generator) for _ in range(PLACES)), key=lambda crop: crop.std())
            return plain(smooth, generator) if which < PALE_SHARE + WALL_SHARE else smooth
        clean = self.crop(size, generator)
        return hazy(clean, generator) if kind < PLAIN_SHARE + HAZY_SHARE else clean


class Deblurring(Task):
    """Motion blur: averaged frames, and things and cameras that move in photographs."""

    removes = "motion blur"

    def __init__(
        self, photos: list[np.ndarray], clean_share: float, frames: np.ndarray | None, frames_share: float = 0.5
    ) -> None:
        super().__init__(photos, clean_share)
        self.frames = frames
        self.frames_share = 0.0 if frames is None else frames_share

    def degraded_pair(self, size: int, generator: np.random.Generator) -> Pair:
        if generator.random() < self.frames_share:
            blurred, sharp = self.averaged_crop(size, generator)
            return finish(blurred, generator), sharp
        # What moves into the picture while the shutter is open comes from the photo itself.
        seen = self.crop(size + 2 * MARGIN, generator)
        if generator.random() < SOFT_TARGETS:
            seen = softened(seen, generator)
        blurred, sharp = motion(seen, generator)
        return finish(middle(blurred, size), generator), middle(sharp, size)

    def untouched(self, size: int, generator: np.random.Generator) -> np.ndarray:
        """A sharp photo, or one that no motion made soft; a share of them exposed for too long."""
        clean = self.crop(size, generator)
        if generator.random() < SOFT_SHARE:
            clean = softened(clean, generator)
        return exposed(clean, MOST_LIGHT, generator) if generator.random() < LONG_SHARE else clean

    def averaged_crop(self, size: int, generator: np.random.Generator) -> Pair:
        """An average of frames and its middle frame, where there is something to see."""
        count = int(generator.choice(LONG_COUNTS))
        first = generator.integers(len(self.frames) - count + 1)
        # Still places without texture look the same blurred: of a few, take the one that the average changes most.
        places = [cut(self.frames[first : first + count], size, generator) for _ in range(PLACES)]
        changes = [np.ptp(place[:: count - 1].astype(np.int16), axis=0).mean() for place in places]
        frames = turn(places[int(np.argmax(changes))], generator)
        return average_frames(frames), frames[count // 2].astype(np.float32)


class Mixed(Task):
    """Several tasks, in equal shares of the crops."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        super().__init__(tasks[0].photos, tasks[0].clean_share)
        self.tasks = tasks
        self.removes = ", ".join(task.removes for task in tasks)

    def any(self, generator: np.random.Generator) -> Task:
        """One of the tasks."""
        return self.tasks[generator.integers(len(self.tasks))]

    def degraded_pair(self, size: int, generator: np.random.Generator) -> Pair:
        return self.any(generator).degraded_pair(size, generator)

    def untouched(self, size: int, generator: np.random.Generator) -> np.ndarray:
        return self.any(generator).untouched(size, generator)


class Supply:
    """The batches of a training, made by processes of their own ahead of time if there are any.

    A batch depends on the seed and the step alone: an interrupted training goes on with what it would have seen, with
    any number of workers.
    """

    task: Task
    """The task of a worker process."""

    def __init__(self, task: Task, seed: int, workers: int) -> None:
        Supply.task = task
        self.seed = seed
        self.workers = workers
        self.ahead: dict[tuple[int, int, int], Future[Pair]] = {}
        if workers:
            # Forked workers share the photographs; they start here, before anything touches CUDA.
            # Ctrl-C reaches them too, and would end them before the training has saved its state.
            ignored = (signal.SIGINT, signal.SIG_IGN)
            self.pool = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), signal.signal, ignored)
            self.pool.submit(int).result()

    @staticmethod
    def make(count: int, size: int, seed: int, step: int) -> Pair:
        """A batch, in a worker."""
        degraded, clean = Supply.task.batch(count, size, seed, step)
        return compact(degraded), compact(clean)

    def batch(self, count: int, size: int, step: int) -> Pair:
        """The degraded and clean crops of a step, [count, size, size, 3] each, on the 0..255 scale."""
        if not self.workers:
            return self.task.batch(count, size, self.seed, step)
        if (count, size, step) not in self.ahead:
            # The crops have just changed in number or size: what was made ahead is of no use.
            self.ahead.clear()
        for later in range(step, step + 2 * self.workers):
            key = (count, size, later)
            if key not in self.ahead:
                self.ahead[key] = self.pool.submit(self.make, count, size, self.seed, later)
        return self.ahead.pop((count, size, step)).result()
