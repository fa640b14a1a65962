"""The wheel's results are those of the program, to the bit."""

import json
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import tifffile
from conftest import samples
from PIL import Image

import mprnet

# What TIFF calls the channels.
CHANNELS = {
    (): {"photometric": "minisblack"},
    (1,): {"photometric": "minisblack"},
    (2,): {"photometric": "minisblack", "planarconfig": "contig", "extrasamples": ["unassalpha"]},
    (3,): {"photometric": "rgb"},
    (4,): {"photometric": "rgb", "extrasamples": ["unassalpha"]},
}


def by_program(program, folder, photo, *arguments):
    """What the program makes of a photo in a TIFF file."""
    source, target = folder / "in.tiff", folder / "out.tiff"
    tifffile.imwrite(source, photo, **CHANNELS[photo.shape[2:]])
    program("restore", source, "-o", target, "--float", "-q", *arguments)
    return tifffile.imread(target).reshape(photo.shape)


def assert_same(array, expected):
    assert (array.shape, array.dtype) == (expected.shape, expected.dtype)
    assert array.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [numpy.uint8, numpy.uint16, numpy.float32], ids=lambda it: it.__name__)
@pytest.mark.parametrize("channels", CHANNELS, ids=str)
def test_every_type_and_shape(program, golden, tiny, tmp_path, dtype, channels):
    photo = samples((37, 53, *channels), dtype)
    before = photo.copy()
    restored = tiny.restore(photo)
    assert_same(restored, by_program(program, tmp_path, photo, "--model", golden / "tiny.safetensors"))
    assert not numpy.array_equal(restored, photo)
    assert_same(photo, before)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"task": "derain"}, ["--model", "derain"]),
        ({"task": "denoise", "precision": "f16"}, ["--model", "denoise", "--precision", "f16"]),
        ({"precision": "exact"}, ["--model", "denoise", "--precision", "exact"]),
        ({"task": "deblur", "stage": 1}, ["--model", "deblur", "--stage", "1"]),
        ({"mode": "local", "train_size": 16}, ["--model", "denoise", "--mode", "local", "--train-size", "16"]),
        (
            {"mode": "tiled", "tile": 32, "overlap": 8},
            ["--model", "denoise", "--mode", "tiled", "--tile", "32", "--overlap", "8"],
        ),
        ({"mode": "tiled", "tile": 24}, ["--model", "denoise", "--mode", "tiled", "--tile", "24"]),
        ({"device": "auto"}, ["--model", "denoise", "-g", "auto"]),
        ({"model": "denoise", "strength": 0.25, "device": 0}, ["--model", "denoise", "--strength", "0.25", "-g", "0"]),
    ],
    ids=str,
)
def test_options(program, tmp_path, options, arguments):
    photo = samples((40, 56, 3), numpy.uint8)
    expected = by_program(program, tmp_path, photo, *arguments)
    assert_same(mprnet.Restorer(**options).restore(photo), expected)


def test_bands_under_a_budget(program, tmp_path):
    photo = samples((256, 64, 3), numpy.uint8)
    expected = by_program(program, tmp_path, photo, "--model", "denoise")
    assert_same(mprnet.Restorer(max_memory="2M").restore(photo), expected)
    with pytest.raises(mprnet.OutOfMemory, match="KiB .* 0 KiB are allowed"):
        mprnet.Restorer(max_memory=1000).restore(photo)


def test_not_a_number_is_what_it_is_to_the_program(program, golden, tiny, tmp_path):
    photo = samples((24, 32, 3), numpy.float32)
    photo[3, 4, 1], photo[5], photo[6] = numpy.nan, numpy.inf, -numpy.inf
    restored = tiny.restore(photo)
    assert_same(restored, by_program(program, tmp_path, photo, "--model", golden / "tiny.safetensors"))
    assert numpy.isfinite(restored).all()


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[::2, 1::3],
        lambda a: a[::-1, ::-1],
        lambda a: a[..., ::-1],
        lambda a: a.transpose(1, 0, 2),
        lambda a: numpy.asfortranarray(a),
        lambda a: numpy.moveaxis(numpy.ascontiguousarray(numpy.moveaxis(a, -1, 0)), 0, -1),
        lambda a: numpy.broadcast_to(a[:1], a.shape),
        lambda a: a[..., :1],
        lambda a: a[..., 0],
        lambda a: a.astype(a.dtype.newbyteorder(">")),
    ],
)
@pytest.mark.parametrize("dtype", [numpy.uint8, numpy.uint16, numpy.float32], ids=lambda it: it.__name__)
def test_any_strides(tiny, view, dtype):
    array = view(samples((24, 36, 3), dtype))
    array.flags.writeable = False
    packed = numpy.ascontiguousarray(array, array.dtype.newbyteorder("="))
    assert_same(tiny.restore(array), tiny.restore(packed))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_images_of_pillow(tiny, mode):
    image = Image.fromarray(samples((24, 36, 4), numpy.uint8)).convert(mode)
    assert_same(tiny.restore(image), tiny.restore(numpy.asarray(image)))


def test_anything_with_an_array_interface(tiny):
    class Photo:
        def __init__(self, array):
            self.__array_interface__ = array.__array_interface__

    array = samples((24, 36, 3), numpy.uint16)
    assert_same(tiny.restore(Photo(array)), tiny.restore(array))


def test_anything_that_speaks_dlpack(tiny):
    class Tensor:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    array = samples((24, 36, 3), numpy.float32)
    restored = tiny.restore(Tensor(array[::2]))
    assert_same(restored, tiny.restore(array[::2]))
    assert_same(numpy.from_dlpack(Tensor(restored)), restored)


@pytest.mark.parametrize("extension", ["png", "tiff", "webp", "jpg"])
def test_files(program, tiny, golden, tmp_path, extension):
    source, target = tmp_path / f"in.{extension}", tmp_path / f"out.{extension}"
    Image.fromarray(samples((24, 36, 3), numpy.uint8)).save(source, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    program("restore", source, "-o", target, "--model", golden / "tiny.safetensors", "-q")
    assert tiny.restore_file(source.read_bytes(), source.name) == target.read_bytes()


def test_the_command_line_is_the_program(program, tmp_path):
    source, ours, theirs = (tmp_path / name for name in ["in.png", "ours.png", "theirs.png"])
    Image.fromarray(samples((24, 36, 3), numpy.uint8)).save(source)
    done = subprocess.run(
        [sys.executable, "-m", "mprnet", "denoise", source, "-o", ours], check=True, capture_output=True
    )
    assert done.stderr.decode() == program("denoise", source, "-o", theirs).stderr.replace("theirs", "ours")
    assert ours.read_bytes() == theirs.read_bytes()
    # The script that installers make is beside the interpreter.
    script = [Path(sys.executable).with_name("mprnet")]
    for arguments in [["--version"], ["denoise", "absent.png", "-o", "out.png"], ["--absent"], []]:
        done = subprocess.run(script + arguments, capture_output=True, text=True, check=False)
        expected = program(*arguments, code=done.returncode)
        assert (done.stdout, done.stderr) == (expected.stdout, expected.stderr)


def test_what_is_told_is_what_the_program_tells(program, golden, tmp_path):
    told = json.loads(program("inspect", "derain", "--json", "--size", "128x64").stdout)
    assert mprnet.inspect("derain", width=128, height=64) == told
    checkpoint = golden / "checkpoints" / "tiny.pth"
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    mprnet.convert(checkpoint, ours, f16=True, task="derain", license="none", title="a test")
    words = ["--f16", "--task", "derain", "--license", "none", "--title", "a test"]
    program("convert", checkpoint, theirs, *words)
    assert ours.read_bytes() == theirs.read_bytes()
    names = program("devices").stdout
    assert all(f"{index}: {it['name']}\n" in names for index, it in enumerate(mprnet.devices()))


def test_scores(golden):
    for pair in json.loads((golden / "metrics.json").read_text())["pairs"]:
        image, target = (Image.open(golden / "metrics" / pair[name]) for name in ["image", "target"])
        for protocol in ["rgb", "y"]:
            scores = pair[protocol]
            # JSON has no infinity.
            assert mprnet.psnr(image, target, protocol) == pytest.approx(float(scores["psnr"]), rel=1e-9)
            if min(image.size) >= 11:
                assert mprnet.ssim(image, target, protocol) == pytest.approx(scores["ssim"], rel=1e-6)
