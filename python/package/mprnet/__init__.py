"""MPRNet image restoration on any GPU: removes rain, noise and motion blur from photos.

>>> import numpy, mprnet
>>> noisy = numpy.full((64, 96, 3), 90, numpy.uint8)
>>> clean = mprnet.Restorer("denoise").restore(noisy)
>>> clean.shape, clean.dtype
((64, 96, 3), dtype('uint8'))
"""

from __future__ import annotations

import json as _json
import os as _os
from typing import Any as _Any
from typing import Literal as _Literal

from . import _native
from ._arrays import array_of as _array_of
from ._errors import BadFile, BadInput, BadModel, DeviceError, Error, NoDevice, OutOfMemory
from ._native import __version__
from ._restorer import Precision, Restorer, Task

__all__ = [
    "BadFile",
    "BadInput",
    "BadModel",
    "DeviceError",
    "Error",
    "NoDevice",
    "OutOfMemory",
    "Precision",
    "Restorer",
    "Task",
    "__version__",
    "convert",
    "devices",
    "inspect",
    "psnr",
    "ssim",
]

if _variable := _native.wanted_variable():
    # Drivers of Mesa complain on standard error otherwise, where there is no desktop.
    _os.environ[_variable[0]] = _variable[1]

for _public in (BadFile, BadInput, BadModel, DeviceError, Error, NoDevice, OutOfMemory, Restorer):
    # What tracebacks and help() call them by.
    _public.__module__ = __name__

Protocol = _Literal["rgb", "y"]


def devices() -> list[dict[str, _Any]]:
    """The adapters that can restore, in the order of their indices; none where there is none.

    Of each its ``name``, ``backend``, ``driver``, ``kind``, whether it is ``software``, whether it has ``f16``, and its
    limits in bytes (``buffer``, ``binding``) and lanes: the fields of ``AdapterReport`` in the Rust library.

    Raises
    ------
    DeviceError
        This process was forked from one that has used a driver.
    """
    found: list[dict[str, _Any]] = _json.loads(_native.devices())
    return found


def inspect(model: str | _os.PathLike[str], *, width: int = 256, height: int = 256) -> dict[str, _Any]:
    """What a model is, and what a photo of so many pixels a side takes: what ``mprnet inspect --json`` prints.

    Parameters
    ----------
    model
        A file of weights, or ``"derain"``, ``"denoise"`` or ``"deblur"``.
    width, height
        The photo's sides in pixels.

    Raises
    ------
    BadFile, BadModel
        It cannot be read, or holds no MPRNet.
    BadInput, OutOfMemory
        No photo has that size, or no device could restore one.
    """
    report: dict[str, _Any] = _json.loads(_native.inspect(model, width, height))
    return report


def convert(
    input: str | _os.PathLike[str],
    output: str | _os.PathLike[str],
    *,
    f16: bool = False,
    task: Task | None = None,
    license: str | None = None,
    title: str | None = None,
) -> None:
    """Writes a checkpoint as a safetensors file that tells what it is, as ``mprnet convert`` does: whole or not at all.

    Parameters
    ----------
    input
        Safetensors, or a checkpoint of PyTorch, of which no code is run.
    output
        A file that ends in ``.safetensors``.
    f16
        Stores values in 16 bits, at half the size.
    task, license, title
        What the model removes, the terms of its use, and what it is called; without them as the input has them.

    Raises
    ------
    BadFile, BadModel, BadInput
        The input cannot be read or is no MPRNet; the output cannot be written, or is the input.
    """
    _native.convert(input, output, f16, task, license, title)


def psnr(image: _Any, target: _Any, protocol: Protocol = "rgb") -> float:
    """Peak signal-to-noise ratio in dB, infinite where nothing differs. Samples are compared in 8 bits.

    Parameters
    ----------
    image, target
        Photos of one size, as :meth:`Restorer.restore` takes them.
    protocol
        ``"rgb"``: all colours, as the paper has it for denoising and deblurring. ``"y"``: luma alone, as for deraining.

    Raises
    ------
    BadInput
        They differ in size, or are no photos.
    """
    return _native.psnr(_array_of(image), _array_of(target), protocol)


def ssim(image: _Any, target: _Any, protocol: Protocol = "rgb") -> float:
    """Structural similarity, -1 to 1, where 1 is equality, as the paper's tables have it.

    Of all colours (``"rgb"``) it is that of a volume, whose windows go through the channels too: higher than the mean
    over the channels that other libraries give. Of luma (``"y"``) sides must have 11 pixels or more. Samples are
    compared in 8 bits; parameters and errors are those of :func:`psnr`.
    """
    return _native.ssim(_array_of(image), _array_of(target), protocol)
