"""``python -m mprnet.ray IN OUT``: a folder of image files, restored on a cluster."""

from __future__ import annotations

import argparse
import os
import posixpath
import sys
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from . import _native
from ._errors import Error
from ._restorer import Restorer

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

    Batch = dict[str, Any]

# Files that an actor takes at a time: few, since what it has begun is done again where it dies.
_BATCH = 8
# Names in a block of work, at most; small jobs get blocks enough for every actor to have some.
_BLOCK = 256
# A file of these is there when it is whole, and not before.
_WHOLE_BY_THEMSELVES = ("s3", "gcs", "abfs")
# Errors that are told one by one.
_TOLD = 20


def main() -> NoReturn:
    """Does what this process's arguments say, and ends it: 0 all done, 1 a file is not restored, 2 wrong arguments."""
    sys.exit(_run(_parser().parse_args()))


def _parser() -> argparse.ArgumentParser:
    text = """Restores the PNG, JPEG, WebP and TIFF files of a folder and of those below it on a Ray cluster; files are
        chosen by their extensions. Results have the names of their photos, and are written whole or not at all;
        --skip-existing goes on where a job has ended."""
    parser = argparse.ArgumentParser("python -m mprnet.ray", description=text)
    parser.add_argument("input", metavar="IN", help="a folder: a local path that every node has, or a URI (s3://...)")
    parser.add_argument("output", metavar="OUT", help="the folder of results, which is made")
    weights = parser.add_mutually_exclusive_group()
    weights.add_argument(
        "--task", choices=["derain", "denoise", "deblur"], help="the embedded model; denoise without it"
    )
    weights.add_argument("--model", metavar="FILE", help="weights instead, safetensors or PyTorch, that every node has")
    parser.add_argument("--precision", choices=["f32", "f16", "exact"], default="f32")
    parser.add_argument("--stage", type=int, choices=[1, 2, 3], default=3)
    parser.add_argument("--strength", type=float, default=1.0, metavar="0..1")
    parser.add_argument("--mode", choices=["global", "local", "tiled"], default="global")
    parser.add_argument("--train-size", type=int, metavar="N", help="with --mode local")
    parser.add_argument("--tile", type=int, metavar="PIXELS", help="with --mode tiled")
    parser.add_argument("--overlap", type=int, metavar="PIXELS", help="with --mode tiled")
    parser.add_argument("--max-memory", metavar="SIZE", help="of the device, for a photo, such as 512M or 2G")
    parser.add_argument("--address", help="the cluster, or auto; without it RAY_ADDRESS, else this machine alone")
    parser.add_argument(
        "--actors", type=int, metavar="N", help="processes that restore; without it as many as Ray has GPUs, else nodes"
    )
    parser.add_argument("--gpus-per-actor", type=float, metavar="N", help="without it 1 where Ray has GPUs, else 0")
    parser.add_argument("--cpus-per-actor", type=float, default=1, metavar="N")
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--skip-existing", action="store_true", help="leaves photos alone whose results are there")
    existing.add_argument("--overwrite", action="store_true", help="replaces results that are there")
    return parser


def _run(args: argparse.Namespace) -> int:
    chosen = _chosen(args)
    try:
        # Here and not in every actor, where Ray would start it again and again. A driver may be a machine without the
        # file of weights.
        Restorer(**chosen if os.path.exists(args.model or "") else chosen | {"model": None})
        source, target = _Folder.of(args.input), _Folder.of(args.output)
        names = source.photos(target)
        there = target.names() & set(names)
    except (Error, ImportError, OSError, ValueError) as error:
        return _refuse(str(error))
    if not names:
        return _refuse(f"there is no PNG, JPEG, WebP or TIFF file in {args.input}")
    if there and not (args.skip_existing or args.overwrite):
        return _refuse(
            f"{args.output} has {len(there)} of {len(names)} results, {min(there)} among them; --skip-existing leaves "
            "their photos alone, and --overwrite replaces them"
        )
    left = [name for name in names if args.overwrite or name not in there]
    failed = _restore(left, source, target, args) if left else []
    for name, reason in failed[:_TOLD]:
        # A file's error has its name.
        print(f"error: {reason if name in reason else f'{name}: {reason}'}", file=sys.stderr)
    if len(failed) > _TOLD:
        print(f"and {len(failed) - _TOLD} more", file=sys.stderr)
    skipped = f", {len(names) - len(left)} skipped" if len(names) > len(left) else ""
    print(f"{len(left) - len(failed)} of {len(names)} photos restored{skipped}", file=sys.stderr)
    return 1 if failed else 0


def _refuse(text: str) -> int:
    print(f"error: {text}", file=sys.stderr)
    return 2


def _chosen(args: argparse.Namespace) -> dict[str, Any]:
    """What an actor's restorer is made with."""
    names = ("task", "model", "precision", "stage", "strength", "mode", "train_size", "tile", "overlap", "max_memory")
    return {name: getattr(args, name) for name in names}


def _restore(names: list[str], source: _Folder, target: _Folder, args: argparse.Namespace) -> list[tuple[str, str]]:
    """Restores these files, and gives the names of those that it does not, each with the reason."""
    import pyarrow
    import ray

    from .ray import _RestoreFiles

    ray.init(address=args.address, ignore_reinit_error=True)
    gpus = ray.cluster_resources().get("GPU", 0)
    actors = args.actors or int(gpus) or len(ray.nodes())
    gpus_each = args.gpus_per_actor if args.gpus_per_actor is not None else min(gpus, 1)
    size = max(1, min(_BLOCK, len(names) // (4 * actors)))
    blocks = [pyarrow.table({"name": names[at : at + size]}) for at in range(0, len(names), size)]
    results = (
        ray.data.from_arrow(blocks)
        .map_batches(partial(_read, source), batch_size=_BATCH)
        .map_batches(
            _RestoreFiles,
            fn_constructor_kwargs=_chosen(args),
            batch_size=_BATCH,
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=args.cpus_per_actor,
            num_gpus=gpus_each,
        )
        .map_batches(partial(_write, target), batch_size=_BATCH)
    )
    return [(row["name"], row["error"]) for row in results.iter_rows() if row["error"]]


class _Folder:
    """A folder, wherever it is."""

    def __init__(self, files: FileSystem, path: str) -> None:
        self.files, self.path = files, path

    @classmethod
    def of(cls, place: str) -> _Folder:
        """That of a path or a URI; raises ``ValueError`` where nothing here reads such."""
        from pyarrow.fs import FileSystem, FSSpecHandler, LocalFileSystem, PyFileSystem

        if "://" not in place:
            return cls(LocalFileSystem(), os.path.realpath(place))
        try:
            return cls(*FileSystem.from_uri(place))
        except ValueError:
            import fsspec

            files, path = fsspec.core.url_to_fs(place)
            return cls(PyFileSystem(FSSpecHandler(files)), path)

    def names(self) -> set[str]:
        """Names of files in it and below, by way of the folders below."""
        from pyarrow.fs import FileSelector, FileType

        selector = FileSelector(self.path, recursive=True, allow_not_found=True)
        found = (entry for entry in self.files.get_file_info(selector) if entry.type == FileType.File)
        return {posixpath.relpath(entry.path, self.path) for entry in found}

    def photos(self, results: _Folder) -> list[str]:
        """Names of image files in it, without hidden ones and those in the folder of results."""
        own = posixpath.relpath(results.path, self.path) + "/" if self.files == results.files else "../"
        if own == "./":
            raise ValueError("results have the names of their photos; choose another folder than that of the photos")
        shown = (name for name in self.names() if not any(part.startswith(".") for part in name.split("/")))
        return sorted(name for name in shown if _native.is_photo(name) and not name.startswith(own))

    def read(self, name: str) -> bytes:
        with self.files.open_input_file(posixpath.join(self.path, name)) as file:
            return bytes(file.read())

    def write(self, name: str, content: bytes) -> None:
        """Writes a file: whole, or not at all."""
        path = posixpath.join(self.path, name)
        folder, last = posixpath.split(path)
        if self.files.type_name in _WHOLE_BY_THEMSELVES:
            self._write(path, content)
            return
        self.files.create_dir(folder, recursive=True)
        if self.files.type_name == "local":
            _native.write(path, content)
            return
        begun = posixpath.join(folder, f".{last}.{uuid.uuid4().hex}.tmp")
        self._write(begun, content)
        self.files.move(begun, path)

    def _write(self, path: str, content: bytes) -> None:
        with self.files.open_output_stream(path) as file:
            file.write(content)


def _read(source: _Folder, batch: Batch) -> Batch:
    def attempt(name: str) -> tuple[bytes, str]:
        try:
            return source.read(name), ""
        except OSError as error:
            return b"", f"cannot read {name}: {error}"

    files, errors = zip(*map(attempt, batch["name"]), strict=True)
    return {**batch, "file": list(files), "error": list(errors)}


def _write(target: _Folder, batch: Batch) -> Batch:
    def attempt(name: str, content: bytes, error: str) -> str:
        if error:
            return error
        try:
            target.write(name, content)
        except (OSError, Error) as unwritten:
            return f"cannot write {name}: {unwritten}"
        return ""

    errors = list(map(attempt, batch["name"], batch["file"], batch["error"]))
    return {"name": batch["name"], "error": errors}
