"""Ray Data, on a cluster of two nodes in this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
from conftest import samples
from PIL import Image

import mprnet

ray = pytest.importorskip("ray", reason="mprnet.ray needs Ray")

from ray.cluster_utils import Cluster

import mprnet.ray as step
from mprnet import _ray_files as files

TINY = Path(__file__).parents[2] / "golden" / "tiny.safetensors"


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one CPU each, whose actors' drivers keep to one thread."""
    os.environ["LP_NUM_THREADS"] = "1"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    cluster.add_node(num_cpus=2)
    ray.init(address=cluster.address)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_batches_of_mixed_sizes(cluster, tiny):
    photos = [samples((24 + 8 * (i % 2), 36, 3), numpy.uint8, i) for i in range(7)]
    photos[3] = numpy.zeros((5, 6, 7), numpy.uint8)
    rows = ray.data.from_items([{"number": i, "image": photo} for i, photo in enumerate(photos)])
    restored = rows.map_batches(
        step.Restore,
        fn_constructor_kwargs={"model": TINY},
        batch_size=4,
        compute=ray.data.ActorPoolStrategy(size=1),
    ).take_all()
    assert sorted(row["number"] for row in restored) == list(range(7))
    for row in restored:
        photo = photos[row["number"]]
        if row["number"] == 3:
            assert "has 7 channels" in row["error"] and (row["image"] == photo).all()
        else:
            assert row["error"] == "" and row["image"].tobytes() == tiny.restore(photo).tobytes()


def test_one_size_stays_one_array(tiny):
    photos = numpy.stack([samples((24, 36, 3), numpy.uint8, i) for i in range(3)])
    done = step.Restore(model=TINY)({"image": photos, "more": numpy.arange(3)})
    assert done["image"].shape == photos.shape and done["image"].dtype == photos.dtype
    assert list(done["error"]) == [""] * 3 and list(done["more"]) == [0, 1, 2]
    empty = step.Restore(model=TINY)({"image": photos[:0]})
    assert empty["image"].shape == (0, 24, 36, 3) and empty["image"].dtype == numpy.uint8
    assert list(empty["error"]) == []


def test_rows_that_have_an_error_are_passed_over(tiny):
    photos = numpy.stack([samples((24, 36, 3), numpy.uint8, i) for i in range(4)])
    done = step.Restore(model=TINY)(
        {"image": photos, "error": numpy.array([None, float("nan"), "", "not read"], object)}
    )
    assert list(done["error"]) == ["", "", "", "not read"]
    assert done["image"][:3].tobytes() == b"".join(tiny.restore(photo).tobytes() for photo in photos[:3])
    assert (done["image"][3] == photos[3]).all()


def test_a_device_that_fails_is_opened_anew(monkeypatch):
    photos = [samples((24, 36, 3), numpy.uint8)]
    restore, fails = step.Restorer.restore_many, [True, False]

    def failing(self, *arguments, **options):
        if fails.pop(0):
            raise mprnet.DeviceError("lost")
        return restore(self, *arguments, **options)

    monkeypatch.setattr(step.Restorer, "restore_many", failing)
    actor = step.Restore(model=TINY)
    first = actor._restorer
    assert list(actor({"image": photos})["error"]) == [""]
    assert actor._restorer is not first
    fails[:] = [True, True]
    with pytest.raises(mprnet.DeviceError, match="lost"):
        actor({"image": photos})


@pytest.mark.parametrize(
    ("given", "software", "adapter"),
    [
        (["0"], [False, False, True], 0),
        (["1"], [False, False, True], 1),
        (["3"], [False, False, True], 1),
        (["1"], [True, False, False], 2),
        (["1"], [True], None),
        ([], [False], None),
        (["GPU-7a"], [False], None),
    ],
)
def test_actors_take_the_gpu_that_ray_has_given_them(given, software, adapter):
    assert step._adapter(given, software) == adapter


def arguments(*words):
    return files._parser().parse_args([str(word) for word in words])


@pytest.fixture
def folder(tmp_path):
    """Photos of two sizes in a tree, and what is to be passed over."""
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    for i in range(24):
        photo = Image.fromarray(samples((64 + 8 * (i % 2), 96, 3), numpy.uint8, i))
        photo.save(folder / ("below" if i % 3 == 0 else "") / f"{i}.{['png', 'tiff', 'webp', 'jpg'][i % 4]}")
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden.png").write_text("no photo")
    return folder


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_program(program, folder, tmp_path):
    program("restore", folder, "-r", "-o", tmp_path / "expected", "--model", TINY, "-q")
    return tree(tmp_path / "expected")


def workers():
    """Processes of actors that restore."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"MapWorker" in status.read_bytes() and b"RestoreFiles" in status.read_bytes():
                found.append(int(status.parent.name))
        except OSError:
            pass
    return found


def test_a_worker_that_dies_costs_no_photo(cluster, program, folder, tmp_path):
    expected = by_program(program, folder, tmp_path)
    assert len(expected) == 24
    (folder / "damaged.png").write_bytes((folder / "1.tiff").read_bytes()[:999])
    command = [sys.executable, "-m", "mprnet.ray", folder, tmp_path / "out", "--model", TINY, "--actors", "2"]
    job = subprocess.Popen(
        [*map(str, command), "--address", cluster.address], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    killed = None
    while job.poll() is None and killed is None:
        if (tmp_path / "out").exists() and workers():
            killed = workers()[0]
            os.kill(killed, signal.SIGKILL)
        time.sleep(0.02)
    told = job.communicate()[1]
    assert killed, told
    assert job.returncode == 1, told
    assert "24 of 25 photos restored" in told and "error: cannot read damaged.png: " in told, told
    assert tree(tmp_path / "out") == expected


def test_a_job_that_died_goes_on(cluster, program, folder, tmp_path, capfd):
    photos, out = folder / "below", tmp_path / "out"
    expected = by_program(program, photos, tmp_path)
    out.mkdir()
    (out / "9.tiff").write_bytes(b"from before")
    words = [photos, out, "--model", TINY, "--actors", "1"]
    assert files._run(arguments(*words)) == 2
    assert "1 of 8 results, 9.tiff among them; --skip-existing" in capfd.readouterr().err
    assert files._run(arguments(*words, "--skip-existing")) == 0
    assert "7 of 8 photos restored, 1 skipped" in capfd.readouterr().err
    assert tree(out) == {**expected, "9.tiff": b"from before"}
    assert files._run(arguments(*words, "--skip-existing")) == 0
    assert "0 of 8 photos restored, 8 skipped" in capfd.readouterr().err


def test_what_cannot_be_meant(folder, tmp_path, capfd):
    assert files._run(arguments(folder, folder)) == 2
    assert files._run(arguments(tmp_path / "absent", tmp_path / "out")) == 2
    assert files._run(arguments("nowhere://a", tmp_path / "out")) == 2
    # A driver of fsspec's that is not installed here.
    assert files._run(arguments("dropbox://a", tmp_path / "out")) == 2
    told = capfd.readouterr().err.splitlines()
    assert "another folder" in told[0] and "there is no PNG" in told[1] and len(told) == 4, told
    # Before Ray is asked for anything.
    for words in [("--strength", "5"), ("--mode", "tiled", "--tile", "8"), ("--model", folder / "notes.txt")]:
        assert files._run(arguments(folder, tmp_path / "out", *words, "--address", "nowhere:1")) == 2
        assert capfd.readouterr().err.startswith("error: ")
    with pytest.raises(SystemExit):
        arguments(folder, tmp_path / "out", "--task", "derain", "--model", TINY)


def test_results_below_the_photos_are_no_photos(folder):
    (folder / "out").mkdir()
    (folder / "out" / "0.png").write_bytes((folder / "1.tiff").read_bytes())
    names = files._Folder.of(str(folder)).photos(files._Folder.of(str(folder / "out")))
    assert len(names) == 24 and not [name for name in names if name.startswith("out")]


@pytest.mark.parametrize("place", ["memory://photos", "local"])
def test_files_are_written_whole_wherever_they_are(place, tmp_path):
    folder = files._Folder.of(str(tmp_path / "out") if place == "local" else place)
    folder.write("below/a.png", b"first")
    folder.write("below/a.png", b"second")
    assert folder.read("below/a.png") == b"second" and folder.names() == {"below/a.png"}
