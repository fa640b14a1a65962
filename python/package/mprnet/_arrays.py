"""Photos of other libraries as NumPy's arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import BadInput

if TYPE_CHECKING:
    from numpy import generic
    from numpy.typing import NDArray

# Modes of Pillow whose bytes are samples of grey or RGB; of others, such as palettes, they are something else.
_MODES = ("L", "LA", "RGB", "RGBA", "I;16")


def array_of(photo: Any) -> NDArray[generic]:
    """The photo as an array, without a copy where that is possible; raises ``BadInput`` where it is none."""
    # Importing it takes longer than everything else here, and not every program that imports this restores.
    import numpy

    mode = getattr(photo, "mode", None)
    if isinstance(mode, str) and hasattr(photo, "convert") and mode not in _MODES:
        raise BadInput(f'an image of the mode {mode} has no samples of grey or RGB; use image.convert("RGB")')
    try:
        # What only has DLPack is not an array to asarray, but an object.
        speaks_dlpack = hasattr(photo, "__dlpack__") and not isinstance(photo, numpy.ndarray)
        array = numpy.from_dlpack(photo) if speaks_dlpack else numpy.asarray(photo)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        text = f"{type(photo).__name__} cannot be read as an array in this machine's memory: {error}"
        raise BadInput(text) from error
    if array.dtype.newbyteorder("=") not in (numpy.uint8, numpy.uint16, numpy.float32):
        text = f"samples of the type {array.dtype} are not taken; uint8, uint16 and float32 are"
        raise BadInput(text)
    # A single number has no buffer with a shape.
    return numpy.atleast_1d(array.astype(array.dtype.newbyteorder("="), copy=False))
