"""Writes the checkpoints that the converter's tests read: awkward ones with known values, and malformed ones.

    python make_checkpoints.py --out golden/checkpoints
    python make_checkpoints.py --published training/published

The first writes files of a few kB, with their README.md; every one is read back and compared with its truth, except
for the malformed ones, which are never opened here. The second writes seeded weights of the published deblurring
size, 80 MB, in three containers. The checkpoints of the original network are not made here and are left alone.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor, nn

from checkpoint_container import Checkpoint
from checkpoint_variants import one_slope, prefixed, variants
from malformed_checkpoints import malformed
from mprnet_torch import PUBLISHED
from seeded_weights import weights

PUBLISHED_SEED = 2
UNSAFE = ("zip_extras.pth", "zip_protocol4.pth", "zip_whole_module.pth")
"""What `torch.load` reads only with `weights_only=False`."""
WRAPPERS = ("state_dict", "params_ema", "params", "model", "net")

ORIGINALS = {
    "tiny.pth": "zip, `state_dict` with `epoch` and `optimizer`",
    "tiny_dataparallel.pth": "zip, `state_dict` with the prefix `module.`",
    "tiny_legacy.pth": "before torch 1.6, as the published ones",
}
ORIGINALS_TRUTH = "../tiny.safetensors"

README = """# Checkpoints

What people save weights in, for the tests of the converter. Every file of this table holds exactly the values of its
truth, whatever the number format; a reader may refuse those that the table says so of, but not read them wrong.

| file | what | truth |
|---|---|---|
{variants}

## Malformed

`malformed/`: every file must be refused, with a message that names it, without a crash and in little memory. Those
that run a command create the file `mprnet_pickle_was_executed` in the current directory. Many of the zip files are
right but for what the table says; their pickle is compressed to keep them small.

| file | what |
|---|---|
{malformed}

Everything but the checkpoints of the original network is made by `tools/make_checkpoints.py --out golden/checkpoints`.
Every run writes the same bytes but for the files in the layout before torch 1.6, whose storages are named by
their addresses, and for the order of the metadata in `save_model.safetensors`.
"""


def unwrapped(value: object) -> Mapping[str, Tensor]:
    """The weights of what a checkpoint holds, without wrapper and prefix."""
    if isinstance(value, nn.Module):
        value = value.state_dict()
    if not isinstance(value, dict):
        raise TypeError(f"a checkpoint of {type(value)}")
    value = next((value[key] for key in WRAPPERS if key in value), value)
    return {key.removeprefix("module."): tensor for key, tensor in value.items()}


def read(checkpoint: Checkpoint, path: Path) -> Mapping[str, Tensor]:
    """The weights of one of our own files."""
    if checkpoint.content[8:9] == b"{":
        with safe_open(path, "pt") as file:
            aliases = file.metadata() or {}
        found = safetensors.torch.load(checkpoint.content)
        return found | {key: found[kept] for key, kept in aliases.items() if kept in found}
    weights_only = checkpoint.name not in UNSAFE
    return unwrapped(torch.load(io.BytesIO(checkpoint.content), map_location="cpu", weights_only=weights_only))


def verify(checkpoint: Checkpoint, folder: Path) -> None:
    """Compares a file with its truth, bit by bit as far as the number format has them."""
    truth = safetensors.torch.load_file(folder / checkpoint.truth)
    found = read(checkpoint, folder / checkpoint.name)
    if found.keys() != truth.keys():
        raise SystemExit(f"{checkpoint.name}: other keys than {checkpoint.truth}")
    for key, value in truth.items():
        if found[key].shape != value.shape or not torch.equal(found[key].double(), value.double()):
            raise SystemExit(f"{checkpoint.name}: {key} is not that of {checkpoint.truth}")


def write_all(folder: Path) -> None:
    """All small files and their table."""
    (folder / "malformed").mkdir(parents=True, exist_ok=True)
    good, bad = variants(), malformed()
    for checkpoint in good:
        (folder / checkpoint.name).write_bytes(checkpoint.content)
    for checkpoint in good:
        verify(checkpoint, folder)
    for checkpoint in bad:
        (folder / "malformed" / checkpoint.name).write_bytes(checkpoint.content)
    rows = [
        f"| `{name}` | a checkpoint of the original network: {what} | `{ORIGINALS_TRUTH}` |"
        for name, what in ORIGINALS.items()
    ]
    rows += [f"| `{one.name}` | {one.what} | `{one.truth}` |" for one in good]
    malformed_rows = [f"| `{one.name}` | {one.what} |" for one in bad]
    text = README.format(variants="\n".join(rows), malformed="\n".join(malformed_rows))
    (folder / "README.md").write_text(text)
    for name, files in (("readable", good), ("malformed", bad)):
        print(f"{len(files)} {name}: {sum(len(one.content) for one in files):,} bytes")


def write_published(folder: Path) -> None:
    """Seeded weights of the published deblurring network, as the authors saved theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = weights(PUBLISHED["deblur"].shapes(), PUBLISHED_SEED)
    state = {key: torch.from_numpy(value) for key, value in drawn.items()}
    value = {"epoch": 3000, "state_dict": prefixed(one_slope(state))}
    torch.save(value, folder / "deblur.pth")
    torch.save(value, folder / "deblur_legacy.pth", _use_new_zipfile_serialization=False)
    safetensors.torch.save_file(state, folder / "deblur.safetensors")
    for path in sorted(folder.glob("deblur*")):
        # The writer's files are private to their owner.
        path.chmod(0o644)
        print(f"{path}: {path.stat().st_size:,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", type=Path, help="folder for the small files")
    target.add_argument("--published", type=Path, metavar="OUT_DIR", help="folder for those of the published size")
    args = parser.parse_args()
    if args.out:
        write_all(args.out)
    else:
        write_published(args.published)


if __name__ == "__main__":
    main()
