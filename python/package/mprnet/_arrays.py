"""Photos of other libraries as NumPy's arrays, and files in memory as bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ._errors import BadFile, BadInput

if TYPE_CHECKING:
    from numpy import generic
    from numpy.typing import NDArray

# Modes of Pillow whose bytes are samples of grey or RGB; of others, such as palettes, they are something else.
_MODES = ("L", "LA", "RGB", "RGBA", "I;16", "I;16L", "I;16B")
# What to do about some others, of which `convert` would lose transparency or clip what is above 255.
_ADVICE = {
    "I": "use numpy.asarray(image).astype(numpy.uint16) where its samples are of 16 bits",
    "F": "use numpy.asarray(image), divided by the value of its white",
    **dict.fromkeys(["PA", "La", "RGBa"], 'use image.convert("RGBA")'),
}
# Kinds and bytes of the types that are taken, in any byte order.
_TYPES = (("u", 1), ("u", 2), ("f", 4))


def array_of(photo: Any) -> NDArray[generic]:
    """The photo as a packed array, without a copy where it is one already.

    Raises ``BadInput`` where it is no photo, ``BadFile`` where it is an image of a file that cannot be decoded.
    """
    # Importing it takes longer than everything else here, and not every program that imports this restores.
    import numpy

    mode = getattr(photo, "mode", None)
    if isinstance(mode, str) and hasattr(photo, "convert") and mode not in _MODES:
        advice = _ADVICE.get(mode, 'use image.convert("RGB")')
        raise BadInput(f"an image of the mode {mode} has no samples of grey or RGB that say what is white; {advice}")
    _refuse_what_is_no_array(photo)
    try:
        # What only has DLPack is not an array to asarray, but an object.
        speaks_dlpack = hasattr(photo, "__dlpack__") and not isinstance(photo, numpy.ndarray)
        array = numpy.from_dlpack(photo) if speaks_dlpack else numpy.asarray(photo)
    except (OSError, SyntaxError) as error:
        # Pillow reads a file's pixels only when they are asked for, and tells a broken one by either.
        text = f"{getattr(photo, 'filename', '') or type(photo).__name__} cannot be decoded: {error}"
        raise BadFile(text) from error
    except Exception as error:
        # A conversion is any library's code, with errors of its own; those of a closed image have no text.
        text = f"{type(photo).__name__} cannot be read as an array in this machine's memory: {error!r}"
        raise BadInput(text) from error
    # Some types of NumPy, such as StringDType, have no byte order to ask for.
    if (array.dtype.kind, array.dtype.itemsize) not in _TYPES:
        text = f"samples of the type {array.dtype} are not taken; uint8, uint16 and float32 are"
        raise BadInput(text)
    # The copy of another layout that NumPy makes is fast, and lets other threads of Python run.
    return numpy.ascontiguousarray(array, array.dtype.newbyteorder("="))


def _refuse_what_is_no_array(photo: Any) -> None:
    """Raises ``BadInput`` for what people give in the place of a photo, of which NumPy would make an array of texts."""
    if photo is None:
        raise BadInput("None is no photo; it is what cv2.imread gives for a file that it cannot read")
    if isinstance(photo, str | os.PathLike):
        raise BadInput(f"{os.fspath(photo)!r} is no photo but a path; open it with PIL.Image.open")
    if isinstance(photo, bytes | bytearray):
        raise BadInput("bytes are no photo; restore_file takes those of an image file")


def file_of(pair: Any) -> tuple[bytes, str]:
    """The bytes of a file and its name; those of a buffer that may change are copied.

    Raises ``BadInput`` where it is no such pair.
    """
    try:
        file, name = pair
        return file if isinstance(file, bytes) else bytes(memoryview(file)), os.fsdecode(name)
    except (BufferError, TypeError, ValueError) as error:
        raise BadInput(f"the bytes of a file and a name for it are expected: {error}") from error
