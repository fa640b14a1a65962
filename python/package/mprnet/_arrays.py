"""Photos of other libraries as NumPy's arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import BadFile, BadInput

if TYPE_CHECKING:
    from numpy import generic
    from numpy.typing import NDArray

# Modes of Pillow whose bytes are samples of grey or RGB; of others, such as palettes, they are something else.
_MODES = ("L", "LA", "RGB", "RGBA", "I;16")
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
        raise BadInput(f'an image of the mode {mode} has no samples of grey or RGB; use image.convert("RGB")')
    try:
        # What only has DLPack is not an array to asarray, but an object.
        speaks_dlpack = hasattr(photo, "__dlpack__") and not isinstance(photo, numpy.ndarray)
        array = numpy.from_dlpack(photo) if speaks_dlpack else numpy.asarray(photo)
    except (OSError, SyntaxError) as error:
        # Pillow reads a file's pixels only when they are asked for, and tells a broken one by either.
        text = f"{getattr(photo, 'filename', '') or type(photo).__name__} cannot be decoded: {error}"
        raise BadFile(text) from error
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        text = f"{type(photo).__name__} cannot be read as an array in this machine's memory: {error}"
        raise BadInput(text) from error
    # Some types of NumPy, such as StringDType, have no byte order to ask for.
    if (array.dtype.kind, array.dtype.itemsize) not in _TYPES:
        text = f"samples of the type {array.dtype} are not taken; uint8, uint16 and float32 are"
        raise BadInput(text)
    # The copy of another layout that NumPy makes is fast, and lets other threads of Python run.
    return numpy.ascontiguousarray(array, array.dtype.newbyteorder("="))
