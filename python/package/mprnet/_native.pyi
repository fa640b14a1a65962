"""The library. Everything here is wrapped by the modules beside it, which have the documentation."""

from os import PathLike
from typing import final

from numpy import generic
from numpy.typing import NDArray

__all__ = [
    "Cancel",
    "Engine",
    "Photo",
    "__version__",
    "convert",
    "devices",
    "inspect",
    "is_photo",
    "psnr",
    "run",
    "ssim",
    "wanted_variable",
    "write",
]

__version__: str

@final
class Cancel:
    """Ends restorations early, from any thread."""

    def cancel(self) -> None: ...

@final
class Photo:
    """A copy of an array's samples."""

    def __new__(cls, array: NDArray[generic]) -> Photo: ...

@final
class Engine:
    """A restorer that is opened by the process that first needs it."""

    def __new__(
        cls,
        task: str | None,
        model: str | PathLike[str] | None,
        device: str | None,
        precision: str,
        stage: int,
        strength: float,
        mode: str,
        train_size: int | None,
        tile: int | None,
        overlap: int | None,
        max_memory: str | None,
    ) -> Engine: ...
    def restore(self, photo: Photo, restored: NDArray[generic], cancel: Cancel) -> None: ...
    def restore_file(self, file: bytes, name: str | PathLike[str], cancel: Cancel) -> bytes: ...
    def adapter(self) -> str: ...
    def close(self) -> None: ...

def devices() -> str: ...
def inspect(model: str | PathLike[str], width: int, height: int) -> str: ...
def convert(
    input: str | PathLike[str],
    output: str | PathLike[str],
    f16: bool,
    task: str | None,
    license: str | None,
    title: str | None,
) -> None: ...
def psnr(image: NDArray[generic], target: NDArray[generic], protocol: str) -> float: ...
def ssim(image: NDArray[generic], target: NDArray[generic], protocol: str) -> float: ...
def run(arguments: list[str]) -> int: ...
def is_photo(name: str | PathLike[str]) -> bool: ...
def write(path: str | PathLike[str], content: bytes) -> None: ...
def wanted_variable() -> tuple[str, str] | None: ...
