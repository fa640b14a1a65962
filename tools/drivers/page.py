"""CONFORMANCE.md as data: read, put together from a new and an earlier one, and written.

What is told of a driver lives in the page alone once the machine that ran it is gone, so drivers that were not run
again keep what the page tells of them.
"""

import re
from dataclasses import dataclass, field

# Columns of the table of drivers.
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
# Those of the tests, and those of the checks and the photo; a run of the ones leaves the others as they are.
TESTS, CHECKS = slice(1, 4), slice(4, 9)
NOT_RUN, NOT_CHECKED = ["not run", "-", "-"], ["-"] * 5
WRONG = "What is wrong"
NUMBERS = "In the columns below: "


@dataclass
class Section:
    """A table of `mprnet conformance`: a row for each thing checked, a cell for each driver."""

    note: str = ""
    # Cells by what was checked, then by driver.
    rows: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass
class Page:
    """What is told of each driver, by its name; notes of its tests and of all else."""

    rows: dict[str, list[str]] = field(default_factory=dict)
    test_notes: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    sections: dict[str, Section] = field(default_factory=dict)
    wrong: dict[str, list[str]] = field(default_factory=dict)


def cells(line: str) -> list[str]:
    """The cells of a table's line; a bar within a cell has a backslash before it."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def is_table(line: str) -> bool:
    """Whether a line is a table's, and none of those that separate its head."""
    return line.startswith("|") and not line.startswith("|---")


def sheet(text: str, names: list[str]) -> tuple[dict[str, Section], dict[str, list[str]]]:
    """The tables of `mprnet conformance --format md` of reports of drivers in that order, and what is wrong in each."""
    sections: dict[str, Section] = {}
    wrong: dict[str, list[str]] = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, *lines = part.rstrip().splitlines()
        if heading == WRONG:
            for line in lines:
                # A single report's have no number.
                found = re.match(r"- (?:(\d+): )?(.*)", line)
                if found:
                    wrong.setdefault(names[int(found[1] or 1) - 1], []).append(found[2])
            continue
        section = sections[heading] = Section()
        section.note = "\n".join(line for line in lines if line and not line.startswith("|"))
        # The first says the columns' numbers.
        for line in [line for line in lines if is_table(line)][1:]:
            label, *told = cells(line)
            section.rows[label] = dict(zip(names, told, strict=True))
    return sections, wrong


def parse(text: str) -> Page:
    """A page that `render` has written; an empty one of an empty text."""
    page = Page()
    head, _, below = text.partition(NUMBERS)
    for line in head.splitlines():
        if is_table(line) and (name := re.match(r"\| `([^`]*)`", line)):
            page.rows[name[1]] = cells(line)
        elif note := re.match(r"- `([^`]*)`(, tests)?: (.*)", line):
            (page.test_notes if note[2] else page.notes).setdefault(note[1], []).append(note[3])
    names = re.findall(r"\d+ ([^,]+)(?:, |\.$)", below.partition("\n")[0])
    page.sections, page.wrong = sheet(below, names)
    return page


def put_together(new: Page, earlier: Page, order: list[str]) -> Page:
    """What is new of each driver, and the rest as it was; drivers in that order."""
    page = Page()
    checked = {name for section in new.sections.values() for row in section.rows.values() for name in row}
    for name in order:
        row, was = new.rows.get(name), earlier.rows.get(name)
        tests = new if row and row[TESTS] != NOT_RUN else earlier
        checks = new if row and row[CHECKS] != NOT_CHECKED else earlier
        if row and was:
            row[TESTS] = tests.rows[name][TESTS]
            row[0], row[CHECKS] = checks.rows[name][0], checks.rows[name][CHECKS]
        page.rows[name] = row or was or [f"`{name}`: not run"] + [""] * (len(COLUMNS) - 1)
        page.test_notes[name] = tests.test_notes.get(name, [])
        page.notes[name] = checks.notes.get(name, [])
        page.wrong[name] = (new if name in checked else earlier).wrong.get(name, [])
    for heading in {**new.sections, **earlier.sections}:
        now, before = new.sections.get(heading, Section()), earlier.sections.get(heading, Section())
        joined = page.sections[heading] = Section(now.note or before.note)
        for label in {**now.rows, **before.rows}:
            kept = {n: cell for n, cell in before.rows.get(label, {}).items() if n not in checked}
            # A row that nobody has checked for is one of an earlier program.
            if told := {**kept, **now.rows.get(label, {})}:
                joined.rows[label] = told
    return page


def render(page: Page, cpu: str) -> str:
    """The page's text; `cpu` names what the last run was on."""
    told = [name for name in page.rows if any(name in row for s in page.sections.values() for row in s.rows.values())]
    whens = page.sections.get("Adapters", Section()).rows.get("mprnet, date", {})
    dates = sorted(re.findall(r"\d{4}-\d\d-\d\d", " ".join(whens.values())))
    lines = [
        "# Conformance",
        "",
        "Made by `sh tools/drivers.sh`, which sets up the drivers below that run shaders on a CPU. Rows of GPUs come from",
        "`tools/gpu_check.sh`, run on the GPU.",
        "",
        f"Last run on {cpu}" + (f", {dates[-1]}" if dates else "") + "; the table of adapters has the date of each.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---" * len(COLUMNS) + "|",
        *("| " + " | ".join(row) + " |" for row in page.rows.values()),
        "",
        "Tests: those of `tests/gpu`. Residual: the largest relative L2 error of a golden network's `stage3 - input`",
        "against PyTorch; three runs: whether all that was computed three times gave the same bytes; first, steady:",
        "seconds of 256x256 pixels through the embedded denoiser; samples that differ: of the 405,900 of",
        f"`samples/noisy.png` denoised, from those of `{next(iter(page.rows), '')}`.",
        "",
        *(f"- `{name}`, tests: {note}" for name, notes in page.test_notes.items() for note in notes),
        *(f"- `{name}`: {note}" for name, notes in page.notes.items() for note in notes),
    ]
    if told:
        lines += ["", NUMBERS + ", ".join(f"{i} {name}" for i, name in enumerate(told, 1)) + "."]
    for heading, section in page.sections.items():
        lines += ["", f"## {heading}", ""] + ([section.note, ""] if section.note else [])
        lines += ["| | " + " | ".join(str(i) for i in range(1, len(told) + 1)) + " |", "|---|" + "---|" * len(told)]
        for label, row in section.rows.items():
            lines.append(f"| {label} | " + " | ".join(row.get(name, "-") for name in told) + " |")
    if any(page.wrong.values()):
        lines += ["", f"## {WRONG}", ""]
        lines += [f"- {told.index(name) + 1}: {what}" for name, whats in page.wrong.items() for what in whats]
    return "\n".join(lines) + "\n"
