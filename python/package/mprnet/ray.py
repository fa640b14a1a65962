"""Restoration as a step of `Ray Data <https://docs.ray.io/en/latest/data/data.html>`_.

It needs ``pip install mprnet[ray]``.

``python -m mprnet.ray IN OUT`` restores folders of image files on a cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import devices
from ._errors import DeviceError, Error
from ._restorer import Restorer, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy import generic
    from numpy.typing import NDArray

    Batch = dict[str, Any]

__all__ = ["Restore"]


class Restore:
    """Restores a column of photos: a callable class for ``Dataset.map_batches``, of which each actor has one model.

    Rows keep their order. Those that have an error already are passed over. A photo that cannot be restored keeps its
    row as it came, with the reason in the column of errors, where other rows have an empty text. Photos of a batch may
    differ in size; those of one size are restored one after another, since what is compiled is compiled for a size. A
    device that fails is opened anew, once; where it fails again, or where there is none, the batch fails.

    Parameters
    ----------
    task, options
        As :class:`mprnet.Restorer` has them. Without ``device``, an actor that Ray has given a GPU takes that one.
    column
        The column of photos, arrays as :meth:`mprnet.Restorer.restore` takes them.
    error_column
        The column of errors, which is added where it is not there.

    Examples
    --------
    >>> clean = photos.map_batches(  # doctest: +SKIP
    ...     mprnet.ray.Restore, fn_constructor_kwargs={"task": "denoise"},
    ...     batch_size=8, num_gpus=1, compute=ray.data.ActorPoolStrategy(size=4),
    ... )
    """

    def __init__(
        self, task: Task | None = None, *, column: str = "image", error_column: str = "error", **options: Any
    ) -> None:
        if options.get("device") in (None, "auto"):
            options["device"] = _assigned_adapter()
        self._arguments: dict[str, Any] = {"task": task, **options}
        self._restorer = Restorer(**self._arguments)
        self._column, self._error_column = column, error_column

    def __call__(self, batch: Batch) -> Batch:
        """Restores a batch of columns."""
        try:
            return self._restored(batch)
        except DeviceError:
            self._restorer = Restorer(**self._arguments)
            return self._restored(batch)

    def _restored(self, batch: Batch) -> Batch:
        photos = list(batch[self._column])
        if not photos:
            # An array without rows still has the type that the column has in other batches.
            return {**batch, self._error_column: batch.get(self._error_column, _column([]))}
        errors = [_text(error) for error in batch.get(self._error_column, [""] * len(photos))]
        rows = [row for row, error in enumerate(errors) if not error]
        rows.sort(key=lambda row: getattr(photos[row], "shape", ()))
        for row, restored in zip(rows, self._each(batch, rows), strict=True):
            if isinstance(restored, Error):
                errors[row] = str(restored)
            else:
                photos[row] = restored
        return {**batch, self._column: _column(photos), self._error_column: _column(errors)}

    def _each(self, batch: Batch, rows: Sequence[int]) -> Iterator[Any]:
        return self._restorer.restore_many((batch[self._column][row] for row in rows), errors="return")


class _RestoreFiles(Restore):
    """The same of files in memory, each with its name."""

    def __init__(self, task: Task | None = None, **options: Any) -> None:
        super().__init__(task, column="file", **options)

    def _each(self, batch: Batch, rows: Sequence[int]) -> Iterator[Any]:
        files = ((batch["file"][row], batch["name"][row]) for row in rows)
        return self._restorer.restore_files(files, errors="return")


def _text(error: Any) -> str:
    """An error of a row; empty for nulls, which are None or NaN depending on where the column comes from."""
    is_null = error is None or error != error  # noqa: PLR0124 - NaN alone differs from itself
    return "" if is_null else str(error)


def _column(values: list[Any]) -> NDArray[generic]:
    """One array of arrays of one shape and type; else an array of objects."""
    import numpy

    kinds = {(value.shape, value.dtype) if isinstance(value, numpy.ndarray) else None for value in values}
    if len(kinds) == 1 and None not in kinds:
        return numpy.stack(values)
    column = numpy.empty(len(values), object)
    column[:] = values
    return column


def _assigned_adapter() -> int | None:
    """The adapter for the GPU that Ray has given this actor: Ray hides others from CUDA alone, and Vulkan lists all."""
    import ray

    given = ray.get_runtime_context().get_accelerator_ids().get("GPU", []) if ray.is_initialized() else []
    return _adapter(given, [bool(adapter["software"]) for adapter in devices()]) if given else None


def _adapter(given: Sequence[str], software: Sequence[bool]) -> int | None:
    """The index of the adapter for the first of Ray's GPUs: CUDA may number the cards of this machine in another order,
    but two of Ray's are never one."""
    gpus = [index for index, is_software in enumerate(software) if not is_software]
    number = given[0] if given else ""
    return gpus[int(number) % len(gpus)] if gpus and number.isdigit() else None


if __name__ == "__main__":
    from ._ray_files import main

    main()
