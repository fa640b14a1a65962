"""What tests share. ``sh tools/test_python.sh`` makes the environment that they run in."""

import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

import mprnet

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def golden():
    return REPOSITORY / "golden"


@pytest.fixture(scope="session")
def program():
    """The program that Cargo has built, which the wheel is compared with."""
    path = os.environ.get("MPRNET_PROGRAM")
    assert path, "MPRNET_PROGRAM names the program to compare with; sh tools/test_python.sh sets it"

    def run(*arguments, code=0):
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture
def script(tmp_path):
    """Runs a script in a process of its own."""

    def run(text, *arguments, timeout=120, **options):
        path = tmp_path / "script.py"
        path.write_text(text)
        done = subprocess.run(
            [sys.executable, path, *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout, check=False, **options,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def samples(shape, dtype, seed=7):
    """A photo of noise, whose floats pass the range from black to white."""
    random = numpy.random.default_rng(seed)
    if dtype == numpy.float32:
        return random.uniform(-0.1, 1.1, shape).astype(numpy.float32)
    return random.integers(0, numpy.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.fixture(scope="session")
def tiny(golden):
    """A restorer that is small enough to be used often."""
    return mprnet.Restorer(model=golden / "tiny.safetensors")
