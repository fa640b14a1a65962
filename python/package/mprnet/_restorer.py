"""Photos in, photos out."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from . import _native
from ._arrays import array_of, file_of
from ._errors import BadInput, DeviceError, Error, NoDevice

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from numpy import generic
    from numpy.typing import NDArray

    # A photo's own copy, and where its result goes.
    Taken = tuple[_native.Photo, NDArray[generic]]
    # Copies an item, and gives the work that is left to do.
    Take = Callable[[Any], Callable[[], Any]]

Task = Literal["derain", "denoise", "deblur"]
Precision = Literal["f32", "f16", "exact"]
Errors = Literal["raise", "return"]

# Photos that restore_many has under way: one is computed, one is copied to where the device takes it from or read back.
_UNDER_WAY = 2


class Restorer:
    """Restores photos with one model on one device.

    The results are those of the program ``mprnet`` with the same options, to the bit.

    Parameters
    ----------
    task
        ``"derain"``, ``"denoise"`` or ``"deblur"``: the model for it that is inside the package. ``"denoise"`` if
        neither this nor ``model`` is given.
    model
        Weights of any MPRNet instead: a safetensors file, or a checkpoint of PyTorch (``.pth``, ``.pt``), of which no
        code is run.
    device
        The adapter: its index in :func:`mprnet.devices`, or a part of its name. Without it, or with ``"auto"``,
        ``WGPU_ADAPTER_NAME`` is honoured, then a GPU is preferred to a software adapter.
    precision
        How features and weights are stored: ``"f32"``; ``"f16"``, in half the memory; or ``"exact"``, f32 with
        convolutions by direct sums alone, which is slower. What f16 cannot hold is restored in f32, and ``logging``'s
        logger ``mprnet`` is told.
    stage
        1, 2 or 3: the stage whose image is the result. An earlier one skips the later work.
    strength
        0 to 1: how far the result goes from the photo to what the network makes of it.
    mode
        What channel attention takes its means over: ``"global"``, the whole photo, or the half or quarter that a stage
        sees, as the paper has it; ``"local"``, a window around each pixel, half as large again as what the model saw in
        training; or ``"tiled"``, a tile of the photo: an approximation, with blended seams, for whoever is in a hurry.
        ``max_memory`` gives the exact result in as little memory.
    train_size
        With ``mode="local"``: a side of the crops that the model was trained on, in pixels, where its file does not say
        it.
    tile, overlap
        With ``mode="tiled"``: the side of a tile in pixels, at least 16 (512 if not given), and how many pixels
        neighbouring tiles overlap at least (32, or half of a smaller tile).
    max_memory
        The most memory of the device that a photo may take, weights apart: bytes, or a text such as ``"512M"`` or
        ``"2G"``. A photo that takes more is computed in bands of rows, in more time and to the same values.

    Raises
    ------
    BadInput
        An argument is none of these.
    BadModel, BadFile
        The weights cannot be used, or not be read.

    Notes
    -----
    The device is opened by the first photo, in the process that has it; so a restorer can be pickled, and made before a
    process is forked. A pickled restorer reads its file of weights again, where it is unpickled. Where the device is
    lost, :class:`mprnet.DeviceError` is raised, and the next photo opens it anew. Once a process has restored, copies
    of it that ``fork`` makes raise :class:`mprnet.DeviceError`: drivers do not survive that. Several threads may use
    one restorer at the same time; ``restore`` lets other threads of Python run. :meth:`close`, or the end of a ``with``
    block, gives the device's memory back before the restorer itself goes.
    """

    def __init__(
        self,
        task: Task | None = None,
        *,
        model: str | os.PathLike[str] | None = None,
        device: int | str | None = None,
        precision: Precision = "f32",
        stage: Literal[1, 2, 3] = 3,
        strength: float = 1.0,
        mode: Literal["global", "local", "tiled"] = "global",
        train_size: int | None = None,
        tile: int | None = None,
        overlap: int | None = None,
        max_memory: int | str | None = None,
    ) -> None:
        if task is not None and model is not None:
            raise BadInput("task and model are two ways to say which weights; give one of them")
        self._arguments: dict[str, Any] = {
            "task": task,
            "model": model,
            "device": None if device in (None, "auto") else str(device),
            "precision": precision,
            "stage": stage,
            "strength": strength,
            "mode": mode,
            "train_size": train_size,
            "tile": tile,
            "overlap": overlap,
            "max_memory": None if max_memory is None else str(max_memory),
        }
        self._engine = _native.Engine(**self._arguments)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_engine"}
        model = self._arguments["model"]
        if model is not None and not os.path.isabs(model):
            # The process that reads it may be in another folder.
            state["_arguments"] = self._arguments | {"model": os.path.abspath(model)}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._engine = _native.Engine(**self._arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._arguments.items() if value is not None)
        return f"mprnet.Restorer({given})"

    @property
    def adapter(self) -> str:
        """The name of the adapter that it runs on, which is opened if it is not yet.

        Raises
        ------
        NoDevice, DeviceError
            There is none, or it cannot be opened.
        """
        return self._engine.adapter()

    def close(self) -> None:
        """Gives the device and its memory back, once photos that are under way are done; another photo opens it anew."""
        self._engine.close()

    def restore(self, photo: Any) -> NDArray[generic]:
        """Restores a photo.

        Parameters
        ----------
        photo
            Height x width x 3 samples of RGB, or 4 with transparency, or 1 of grey, or 2 of grey and transparency, or
            height x width of grey, of any size: uint8 (0 to 255), uint16 (0 to 65535) or float32 (0 black, 1 white,
            what lies outside is clamped, and NaN counts as 0). Transparency is kept. An array of NumPy, contiguous or
            strided; a ``PIL.Image`` of grey or RGB, whose EXIF orientation is not looked at; a tensor of PyTorch or JAX
            in the CPU's memory (DLPack); or anything with ``__array_interface__``. Samples are taken for sRGB, as those
            of most files are.

        Returns
        -------
        numpy.ndarray
            A new array of the photo's shape and type. ``torch.from_dlpack`` and its like take it as it is.

        Raises
        ------
        BadInput
            The shape or type is none of these.
        BadFile
            The file of a ``PIL.Image`` cannot be decoded.
        NoDevice, DeviceError
            There is no adapter, or it has failed.
        OutOfMemory
            The photo is too large for the device.
        """
        return self._restore(_take(photo), _native.Cancel())

    def _restore(self, taken: Taken, cancel: _native.Cancel) -> NDArray[generic]:
        photo, restored = taken
        self._engine.restore(photo, restored, cancel)
        return restored

    def restore_many(self, photos: Iterable[Any], *, errors: Errors = "raise") -> Iterator[Any]:
        """Restores photos and gives them in their order, while the next ones are taken, copied and computed.

        Parameters
        ----------
        photos
            Photos as :meth:`restore` takes them; they may differ in size and type. Each is copied before the next is
            asked for, so a generator may use one buffer for all, and close an image after it. Two are taken ahead of
            the one that is given: where a photo depends on the result before, call :meth:`restore`. What the iterable
            raises is raised after the results of the photos before it.
        errors
            ``"raise"``: what cannot be restored is raised in its turn, and ends the iteration. ``"return"``: the
            exception, a :class:`mprnet.Error`, is given in the place of the array; where no device works, it is raised
            all the same.

        Yields
        ------
        numpy.ndarray
            As :meth:`restore` returns.
        """
        cancel = _native.Cancel()
        return _in_order(photos, lambda photo: partial(self._restore, _take(photo), cancel), cancel, errors)

    def restore_file(self, file: bytes, name: str | os.PathLike[str]) -> bytes:
        """Restores the bytes of an image file and gives those of another, with the first one's metadata, as the program
        does.

        Parameters
        ----------
        file
            A PNG, JPEG, WebP or TIFF file: ``bytes``, or what can be seen as such, a ``bytearray`` for instance.
        name
            What errors call the file; it ends as the format to be written does: ``.png``, ``.jpg``, ``.webp`` or
            ``.tiff``.

        Raises
        ------
        BadInput
            These are no bytes, or no name.
        BadFile
            It is no image, or damaged, or cannot be written in that format.
        NoDevice, DeviceError, OutOfMemory
            As :meth:`restore`.
        """
        taken, called = file_of((file, name))
        return self._engine.restore_file(taken, called, _native.Cancel())

    def restore_files(
        self, files: Iterable[tuple[bytes, str | os.PathLike[str]]], *, errors: Errors = "raise"
    ) -> Iterator[Any]:
        """Restores image files in memory as :meth:`restore_file` does, each with its name, as :meth:`restore_many` does
        photos."""
        cancel = _native.Cancel()
        restore = self._engine.restore_file
        return _in_order(files, lambda pair: partial(restore, *file_of(pair), cancel), cancel, errors)


def _take(photo: Any) -> Taken:
    """Copies a photo."""
    import numpy

    array = array_of(photo)
    return _native.Photo(array), numpy.empty(array.shape, array.dtype)


def _in_order(items: Iterable[Any], take: Take, cancel: _native.Cancel, errors: Errors) -> Iterator[Any]:
    """Takes items, works on several at a time, and gives the results in their order."""
    if errors not in ("raise", "return"):
        raise BadInput(f'errors is {errors!r}, and "raise" or "return" is expected')
    return _each(items, take, cancel, errors == "return")


def _each(items: Iterable[Any], take: Take, cancel: _native.Cancel, spare: bool) -> Iterator[Any]:
    source = iter(items)
    ended: Exception | None = None
    under_way: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(_UNDER_WAY, "mprnet") as threads:
        try:
            while ended is None or under_way:
                if ended is not None or len(under_way) > _UNDER_WAY:
                    yield _result(under_way.popleft(), spare)
                    continue
                try:
                    item = next(source)
                except Exception as error:  # noqa: BLE001 - raised below, after the results of what came before it
                    ended = error
                else:
                    # Before the next is asked for, since the source may then change or close this one.
                    under_way.append(_begin(threads, take, item))
            if not isinstance(ended, StopIteration):
                raise ended
        finally:
            # Whoever stops here, by Ctrl-C or otherwise, need not wait for what is not wanted any more.
            cancel.cancel()
            threads.shutdown(wait=True, cancel_futures=True)


def _begin(threads: ThreadPoolExecutor, take: Take, item: Any) -> Future[Any]:
    """Takes an item, and has a thread work on it; what cannot be taken fails in its turn."""
    try:
        return threads.submit(take(item))
    except Error as error:
        failed: Future[Any] = Future()
        failed.set_exception(error)
        return failed


def _result(future: Future[Any], spare: bool) -> Any:
    """The result, or where that is wanted the error in its place, unless it is the device's."""
    try:
        return future.result()
    except Error as error:
        if spare and not isinstance(error, DeviceError | NoDevice):
            return error
        raise
