"""Tells what tools/drivers.sh has found: a table of drivers in Markdown, and `mprnet conformance` of each side by side.

usage: report.py RESULTS PROGRAM NAME...
"""

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

COLUMNS = [
    "driver",
    "tests passed",
    "failed",
    "skipped",
    "residual, f32",
    "residual, f16",
    "three runs",
    "first, steady",
    "samples that differ",
]


def cpu() -> str:
    """The CPU's name, and how many of its cores there are."""
    text = Path("/proc/cpuinfo").read_text()
    models = re.findall(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return f"{len(models)} x {models[0]}" if models else platform.machine()


def tests(log: str) -> tuple[int, list[str], list[tuple[str, str]]]:
    """Tests that passed, those that failed, and those that were skipped with the reason.

    A test that finds that the adapter lacks something says so and passes."""
    outcomes = dict(re.findall(r"^test (\S+) \.\.\. (ok|FAILED)$", log, re.MULTILINE))
    skipped = re.findall(r"^test (\S+) \.\.\. ignored, (.*)$", log, re.MULTILINE)
    parts = re.split(r"^---- (\S+) stdout ----$", log, flags=re.MULTILINE)
    for name, printed in zip(parts[1::2], parts[2::2]):
        lacks = re.search(r"^skipped: (.*)$", printed, re.MULTILINE)
        if lacks and outcomes.get(name) == "ok":
            skipped.append((name, lacks[1]))
            del outcomes[name]
    failed = [name for name, outcome in outcomes.items() if outcome == "FAILED"]
    return len(outcomes) - len(failed), failed, skipped


def worst(report: dict, precision: str) -> str:
    """The largest relative L2 error of a network's residual at a precision, with the network's name."""
    found = [n for n in report["networks"] if n["precision"] == precision and n["outcome"] != "skipped"]
    if not found:
        return "-"
    errors = [(n.get("error"), n["network"]) for n in found]
    if any(error is None for error, _ in errors):
        return "**not computed**"
    error, name = max(errors)
    return f"{error:.1e} ({name})"


def repeats(report: dict) -> str:
    """Whether three runs of everything that was measured gave the same bytes."""
    measured = [c for c in report["kernels"] + report["networks"] if c["outcome"] == "measured"]
    differing = [c for c in measured if not c["repeats"]]
    return f"**{len(differing)} of {len(measured)} differ**" if differing else "same bytes"


def times(report: dict) -> str:
    """Seconds of the first result and of the others."""
    timing = report["timing"]
    return f"{timing['first']:.2g} s, {timing['steady']:.2g} s" if timing else "-"


def differing(photo: Path, other: Path) -> str:
    """How many bytes of two uncompressed files differ, and by how much at most; their samples have 8 bits."""
    if not photo.exists() or not other.exists():
        return "-"
    a, b = photo.read_bytes(), other.read_bytes()
    if len(a) != len(b):
        return "**another size**"
    apart = [abs(x - y) for x, y in zip(a, b) if x != y]
    return f"{len(apart)}, by {max(apart)}" if apart else "0"


def title(folder: Path, report: dict | None) -> str:
    """The name of a driver, and what it says of itself."""
    if report is None:
        return f"`{folder.name}`"
    adapter = report["adapter"]
    packages = folder / "packages"
    # SwiftShader has no version of its own: it goes by the browser's.
    of = f", {packages.read_text().strip()}" if folder.name == "swiftshader" and packages.exists() else ""
    return f"`{folder.name}`: {adapter['name']}, {adapter['backend']}, {adapter['driver']}{of}"


def row(folder: Path, base: Path) -> tuple[list[str], list[str]]:
    """The cells of a driver, and what is to be said of it below the table."""
    absent = folder / "absent"
    if not folder.exists() or absent.exists():
        why = absent.read_text().strip() if absent.exists() else "not run"
        return [f"`{folder.name}`: {why}"] + [""] * (len(COLUMNS) - 1), []
    notes: list[str] = []
    log, checked = folder / "tests.log", folder / "conformance.json"
    text = log.read_text(errors="replace") if log.exists() else ""
    passed, failed, skipped = tests(text)
    ended = re.search(r"^test result: ", text, re.MULTILINE) is not None
    notes += [f"FAILED {name}" for name in failed]
    reasons: dict[str, list[str]] = {}
    for name, why in skipped:
        reasons.setdefault(why, []).append(name)
    notes += [f"skipped, since {why}: {', '.join(sorted(names))}" for why, names in reasons.items()]
    trouble = folder / "trouble"
    notes += trouble.read_text().splitlines() if trouble.exists() else []
    report = json.loads(checked.read_text()) if checked.exists() else None
    told = [worst(report, "f32"), worst(report, "f16"), repeats(report), times(report)] if report else ["-"] * 4
    photo = differing(folder / "photo.tiff", base / "photo.tiff") if folder != base else "compared with"
    wrong = f"{len(failed)}" if ended else "**they did not end**"
    counts = [str(passed), wrong, str(len(skipped))] if log.exists() else ["not run", "-", "-"]
    cells = [title(folder, report), *counts, *told, photo]
    return cells, notes


def main() -> None:
    results, program, names = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    dates = sorted(file.read_text().strip() for file in results.glob("*/date"))
    print("# Conformance\n")
    print("Made by `sh tools/drivers.sh`, which sets all these drivers up. They run shaders on a CPU: a GPU's own")
    print("drivers are checked by `mprnet conformance` on that GPU.\n")
    print(f"{cpu()}, {' to '.join(dict.fromkeys([dates[0], dates[-1]])) if dates else 'no date'}.\n")
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    below = []
    for name in names:
        cells, notes = row(results / name, results / names[0])
        print("| " + " | ".join(cells) + " |")
        below += [f"- `{name}`: {note}" for note in notes]
    print(
        "\nTests: those of `tests/gpu`. Residual: the largest relative L2 error of a golden network's `stage3 - input`"
    )
    print("against PyTorch; three runs: whether all that was computed three times gave the same bytes; first, steady:")
    print("seconds of 256x256 pixels through the embedded denoiser; samples that differ: of the 405,900 of")
    print(f"`samples/noisy.png` denoised, from those of `{names[0]}`.\n")
    print("\n".join(below))
    reported = [name for name in names if (results / name / "conformance.json").exists()]
    if reported:
        reports = [str(results / name / "conformance.json") for name in reported]
        command = [program, "conformance", "--format", "md", *reports]
        sheet = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        # Its own title is the second here, and its columns have numbers.
        print("\nIn the columns below: " + ", ".join(f"{i} {name}" for i, name in enumerate(reported, 1)) + ".")
        print("\n" + re.sub(r"^# .*\n+", "", sheet).rstrip())


if __name__ == "__main__":
    main()
