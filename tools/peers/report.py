"""Results as Markdown tables and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

CLOCKS = {"cpu": "CPU s", "wall": "wall s", "gpu": "GPU s"}


@dataclass
class Result:
    """One engine on one workload."""

    name: str
    title: str
    version: str
    adapter: str
    driver: str
    relative_l2: float
    max_abs: float
    samples: dict[str, list[float]] = field(default_factory=lambda: {clock: [] for clock in CLOCKS})
    """Seconds of one inference in every round, by clock."""
    peak_bytes: int | None = None


@dataclass
class Comparison:
    """One workload: its engines, and why others are missing."""

    workload: str
    rounds: int
    results: list[Result]
    missing: dict[str, str]

    def baseline(self, wanted: str) -> Result | None:
        """The engine that the others are compared with."""
        return next((result for result in self.results if result.name == wanted), None)


def seconds(value: float) -> str:
    """Three significant digits."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def spread(samples: Sequence[float]) -> str:
    """Median (min..max)."""
    if not samples:
        return ""
    return f"{seconds(statistics.median(samples))} ({seconds(min(samples))}..{seconds(max(samples))})"


def ratio(result: Result, base: Result, clock: str) -> str:
    """Median over the rounds of this engine's seconds to the baseline's in the same round."""
    pairs = list(zip(result.samples[clock], base.samples[clock], strict=False))
    if not pairs or any(ours == 0 for _, ours in pairs):
        return ""
    return f"{statistics.median(theirs / ours for theirs, ours in pairs):.2f}"


def table(comparison: Comparison, baseline: str) -> list[str]:
    """The Markdown table of one workload."""
    results = comparison.results
    clocks = [clock for clock in CLOCKS if any(result.samples[clock] for result in results)]
    base = comparison.baseline(baseline)
    header = ["engine", *(CLOCKS[clock] for clock in clocks)]
    if base:
        header += [f"{CLOCKS[clock].removesuffix(' s')} / {base.name}" for clock in clocks]
    header.append("relative L2")
    lines = [f"| {' | '.join(header)} |", "|" + "---|" * len(header)]
    for result in results:
        cells = [result.title, *(spread(result.samples[clock]) for clock in clocks)]
        if base:
            cells += [ratio(result, base, clock) for clock in clocks]
        cells.append(f"{result.relative_l2:.1e}")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def engines(comparisons: Sequence[Comparison]) -> list[str]:
    """What each engine is and ran on, once."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for comparison in comparisons:
        for result in comparison.results:
            key = (result.version, result.adapter, result.driver)
            titles = rows.setdefault(key, [])
            if result.title not in titles:
                titles.append(result.title)
    lines = ["| version | adapter | driver | engines |", "|---|---|---|---|"]
    return lines + [f"| {' | '.join(key)} | {'; '.join(titles)} |" for key, titles in rows.items()]


def markdown(comparisons: Sequence[Comparison], machine: Mapping[str, str], baseline: str) -> str:
    """The whole report."""
    lines = [
        f"Measured {machine['date']} on {machine['cpu']}, {machine['system']}. Medians of rounds in which every engine"
    ]
    lines += [
        "takes its turn, with (min..max); one warm process per engine. Seconds of one inference from host memory to"
    ]
    lines += [
        "host memory; CPU seconds are those of all threads of the process. A ratio is the median of the rounds' own."
    ]
    if machine["vulkan"]:
        lines += ["", f"Vulkan: {machine['vulkan']}."]
    lines += ["", *engines(comparisons)]
    for comparison in comparisons:
        lines += ["", f"**{comparison.workload}**, {comparison.rounds} rounds", "", *table(comparison, baseline)]
        if comparison.missing:
            lines += ["", "Not listed:", ""]
            reasons: dict[str, list[str]] = {}
            for title, reason in comparison.missing.items():
                reasons.setdefault(reason, []).append(title)
            lines += [f"- {'; '.join(titles)}: {reason}" for reason, titles in reasons.items()]
    return "\n".join(lines) + "\n"


def as_json(comparisons: Sequence[Comparison], machine: Mapping[str, str]) -> dict[str, object]:
    """Everything, with every sample."""
    return {"machine": dict(machine), "comparisons": [asdict(comparison) for comparison in comparisons]}
