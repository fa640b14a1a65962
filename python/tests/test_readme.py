"""The snippets of README.md and of docstrings run, and give what is said there."""

import doctest
import os

import numpy
import pytest
from conftest import REPOSITORY, samples
from PIL import Image

import mprnet
import mprnet.ray


@pytest.fixture(autouse=True)
def photos(tmp_path, monkeypatch):
    """What the snippets read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LP_NUM_THREADS", "1")
    os.mkdir("photos")
    for i in range(3):
        Image.fromarray(samples((64, 96, 3), numpy.uint8, i)).save(f"photos/{i}.png")
    Image.open(REPOSITORY / "samples" / "noisy.png").crop((0, 0, 96, 64)).save("noisy.png")


def test_readme():
    # With the path of this machine it would be no name of a module.
    failed, attempted = doctest.testfile(
        str(REPOSITORY / "python" / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS
    )
    assert failed == 0 and attempted >= 12


def test_docstrings():
    failed, attempted = doctest.testmod(mprnet)
    assert failed == 0 and attempted >= 3


def test_all_that_is_public_is_documented():
    public = [getattr(mprnet, name) for name in mprnet.__all__ if name[0].islower() or name == "Restorer"]
    public += [value for name, value in vars(mprnet.Restorer).items() if not name.startswith("_")]
    assert all(it.__doc__ for it in [*public, mprnet.ray.Restore] if not isinstance(it, str))
