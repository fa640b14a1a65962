"""Tells what tools/drivers.sh has found: a table of drivers in Markdown, and `mprnet conformance` of each side by side.

usage: report.py RESULTS PROGRAM EARLIER NAME...

Drivers without results have what the page EARLIER tells of them.
"""

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import page
from page import Page


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
    told = [adapter[key] for key in ("name", "backend", "driver") if adapter[key]]
    packages = folder / "packages"
    # SwiftShader has no version of its own: it goes by the browser's.
    if folder.name == "swiftshader" and packages.exists():
        told.append(packages.read_text().strip())
    return f"`{folder.name}`: {', '.join(told)}"


def trouble(folder: Path, part: str) -> list[str]:
    """What tools/drivers.sh says ended badly, of the tests or the checks."""
    told = folder / f"{part}.trouble"
    return told.read_text().splitlines() if told.exists() else []


def tested(folder: Path) -> tuple[list[str], list[str]]:
    """The cells of a driver's tests, and what is to be said of them below the table."""
    log = folder / "tests.log"
    if not log.exists():
        return page.NOT_RUN, trouble(folder, "tests")
    text = log.read_text(errors="replace")
    passed, failed, skipped = tests(text)
    notes = [f"FAILED {name}" for name in failed]
    reasons: dict[str, list[str]] = {}
    for name, why in skipped:
        reasons.setdefault(why, []).append(name)
    notes += [f"skipped, since {why}: {', '.join(sorted(names))}" for why, names in reasons.items()]
    ended = re.search(r"^test result: ", text, re.MULTILINE) is not None
    wrong = f"{len(failed)}" if ended else "**they did not end**"
    return [str(passed), wrong, str(len(skipped))], notes + trouble(folder, "tests")


def checked(folder: Path, base: Path) -> tuple[str, list[str]]:
    """A driver with what it says of itself, and the cells of its checks and its photo."""
    file = folder / "conformance.json"
    if not file.exists():
        return title(folder, None), page.NOT_CHECKED
    report = json.loads(file.read_text())
    photo = differing(folder / "photo.tiff", base / "photo.tiff") if folder != base else "compared with"
    return title(folder, report), [worst(report, "f32"), worst(report, "f16"), repeats(report), times(report), photo]


def tell(new: Page, folder: Path, base: Path) -> None:
    """Adds a driver that has been run or cannot be."""
    absent = folder / "absent"
    if absent.exists():
        new.rows[folder.name] = [f"`{folder.name}`: {absent.read_text().strip()}"] + [""] * (len(page.COLUMNS) - 1)
        return
    of_tests, new.test_notes[folder.name] = tested(folder)
    named, of_checks = checked(folder, base)
    new.rows[folder.name] = [named, *of_tests, *of_checks]
    new.notes[folder.name] = trouble(folder, "checks")


def found(results: Path, program: str, names: list[str]) -> Page:
    """What the results tell."""
    new = Page()
    for name in names:
        if (results / name).exists():
            tell(new, results / name, results / names[0])
    reported = [name for name in names if (results / name / "conformance.json").exists()]
    if reported:
        reports = [str(results / name / "conformance.json") for name in reported]
        command = [program, "conformance", "--format", "md", *reports]
        sheet = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        new.sections, new.wrong = page.sheet(sheet, reported)
    return new


def main() -> None:
    results, program, earlier, names = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4:]
    told = page.parse(earlier.read_text() if earlier.exists() else "")
    # GPUs of other machines are known by the page alone.
    names += [name for name in told.rows if name not in names]
    print(page.render(page.put_together(found(results, program, names), told, names), cpu()), end="")


if __name__ == "__main__":
    main()
