"""The driver's side of the protocol in `protocol.py`: an engine in a process of its own."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

TOOLS = Path(__file__).resolve().parent.parent


class Failed(Exception):
    """An engine that did not answer; the message says what it said."""


def _paths(first: list[str], variable: str) -> str:
    """Folders before those that a variable names already."""
    return os.pathsep.join([*first, *filter(None, [os.environ.get(variable)])])


def environment(driver_folder: Path | None, threads: int | None) -> dict[str, str]:
    """Variables of a worker: its modules, its threads, and the Vulkan driver to load."""
    found = os.environ | {"PYTHONPATH": _paths([str(TOOLS)], "PYTHONPATH")}
    if threads:
        found["OMP_NUM_THREADS"] = str(threads)
    if driver_folder:
        manifests = sorted(driver_folder.glob("usr/share/vulkan/icd.d/*.json"))
        libraries = sorted({str(file.parent) for file in driver_folder.glob("usr/lib/**/libvulkan_*.so")})
        if not manifests or not libraries:
            raise SystemExit(f"--driver-folder {driver_folder}: no usr/share/vulkan/icd.d/*.json with usr/lib")
        found["VK_DRIVER_FILES"] = os.pathsep.join(map(str, manifests))
        found["LD_LIBRARY_PATH"] = _paths(libraries, "LD_LIBRARY_PATH")
    return found


def vulkan_driver(driver_folder: Path | None) -> str:
    """Adapters and drivers that the Vulkan loader finds, where `vulkaninfo` is installed to tell."""
    command = ["vulkaninfo", "--summary"]
    try:
        env = environment(driver_folder, None)
        said = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    names, drivers = (re.findall(rf"^\s*{key}\s*= (.+)$", said, re.MULTILINE) for key in ("deviceName", "driverInfo"))
    return "; ".join(f"{name}, {driver}" for name, driver in zip(names, drivers, strict=False))


def last_line(log: Path) -> str:
    """The last thing that a program said, which for a Python program is its exception."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""


class Worker:
    """A running engine. Its standard error goes to a file, whose end tells why where the protocol does not."""

    def __init__(self, command: list[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as stderr:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": stderr}
            try:
                self.process = subprocess.Popen(command, env=env, text=True, **pipes)
            except OSError as error:
                raise Failed(f"cannot be started: {error}") from None
        self.lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the engine."""
        self.process.kill()
        self.process.wait()

    def _read(self) -> None:
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.put(line)
        self.lines.put(None)

    def answer(self, timeout: float) -> dict[str, object]:
        """The next message of the engine."""
        deadline = time.monotonic() + timeout
        try:
            line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise Failed(f"no answer within {timeout:.0f} s") from None
        if line is None:
            raise Failed(f"ended without an answer: {self._last_words()}")
        message = json.loads(line)
        if "error" in message:
            raise Failed(str(message["error"]))
        return message

    def run(self, timeout: float) -> dict[str, float | None]:
        """Times one inference."""
        try:
            self.process.stdin.write('{"cmd": "run"}\n')
            self.process.stdin.flush()
        except OSError:
            raise Failed(f"ended: {self._last_words()}") from None
        return self.answer(timeout)

    def peak_memory(self) -> int | None:
        """Peak resident bytes so far, where the system tells."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return None
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(found[1]) * 1024 if found else None

    def _last_words(self) -> str:
        return last_line(self.log) or f"exit code {self.process.wait()}"
