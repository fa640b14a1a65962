"""What cannot be restored is told by an exception of its kind, with the program's own sentence."""

import io
import logging
import pickle
import re
from pathlib import Path

import numpy
import pytest
from conftest import samples
from PIL import Image

import mprnet


def encoded(kind, shape=(24, 36, 3)):
    """A file of a photo of noise."""
    file = io.BytesIO()
    Image.fromarray(samples(shape, numpy.uint8)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 24, 36), "channels first"),
        ((1, 24, 36), "channels first"),
        ((24, 36, 5), "has 5 channels"),
        ((24, 36, 0), "has 0 channels"),
        ((1, 24, 36, 3), "is no photo"),
        ((24,), "is no photo"),
        ((), "is no photo"),
        ((0, 36, 3), "no pixel"),
        ((24, 0, 3), "no pixel"),
    ],
)
def test_shapes(tiny, shape, words):
    with pytest.raises(mprnet.BadInput, match=words):
        tiny.restore(numpy.zeros(shape, numpy.uint8))


@pytest.mark.parametrize(
    "dtype", ["float64", "float16", "int8", "int32", "uint32", "bool", "complex64", "U3", "object"]
)
def test_types(tiny, dtype):
    with pytest.raises(mprnet.BadInput, match="uint8, uint16 and float32"):
        tiny.restore(numpy.zeros((24, 36, 3), dtype))


def test_texts_of_numpy(tiny):
    with pytest.raises(mprnet.BadInput, match="uint8, uint16 and float32"):
        tiny.restore(numpy.array(["a", "b"], numpy.dtypes.StringDType()))


class Unforeseen:
    def __array__(self, *_, **__):
        raise KeyError("pixels")


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (None, "cv2.imread"),
        ("photo.png", "'photo.png' is no photo but a path"),
        (Path("photo.png"), "'photo.png' is no photo but a path"),
        (b"photo", "restore_file"),
        (3, "uint8, uint16 and float32"),
        (object(), "uint8, uint16 and float32"),
        ([[1, 2], [3]], "list cannot be read as an array"),
        (Unforeseen(), r"Unforeseen cannot be read .*KeyError\('pixels'\)"),
    ],
)
def test_things(tiny, thing, words):
    with pytest.raises(mprnet.BadInput, match=words):
        tiny.restore(thing)
    photo = samples((24, 36, 3), numpy.uint8)
    first, second = tiny.restore_many([thing, photo], errors="return")
    assert isinstance(first, mprnet.BadInput) and second.shape == photo.shape


@pytest.mark.parametrize("mode", ["P", "1", "CMYK", "YCbCr", "HSV"])
def test_modes_of_pillow(tiny, mode):
    with pytest.raises(mprnet.BadInput, match=f"mode {mode} .*convert"):
        tiny.restore(Image.new("RGB", (36, 24)).convert(mode))


def test_modes_of_pillow_that_another_would_cut(tiny):
    deep = samples((24, 36), numpy.uint16)
    # Pillow makes it of big-endian TIFF files.
    big = Image.frombytes("I;16B", (36, 24), deep.astype(">u2").tobytes())
    assert (tiny.restore(big) == tiny.restore(deep)).all()
    for mode, advice in [("I", r"astype\(numpy.uint16\)"), ("F", "divided by"), ("PA", 'convert."RGBA"')]:
        with pytest.raises(mprnet.BadInput, match=f"mode {mode} .*{advice}"):
            tiny.restore(Image.new(mode, (36, 24)))


def test_images_of_pillow_that_cannot_be_decoded(tiny, tmp_path):
    path, whole = tmp_path / "cut.jpg", encoded("jpeg")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(mprnet.BadFile, match=r"cut\.jpg cannot be decoded: .*truncated"):
        tiny.restore(Image.open(path))
    # Pillow has a SyntaxError for a chunk of no name that it meets among the pixels.
    png = encoded("png", (160, 160, 3))
    at = png.rindex(b"IDAT")
    broken = png[:at] + bytes(4) + png[at + 4 :]
    first, second = tiny.restore_many(
        [Image.open(io.BytesIO(broken)), Image.open(io.BytesIO(encoded("png")))], errors="return"
    )
    assert isinstance(first, mprnet.BadFile) and "PngImageFile cannot be decoded: " in str(first)
    assert second.shape == (24, 36, 3)


def test_memory_elsewhere(tiny):
    class OnGpu:
        def __dlpack_device__(self):
            return (2, 0)

        def __dlpack__(self, **_):
            raise BufferError("it is on a GPU")

    with pytest.raises(mprnet.BadInput, match="this machine's memory"):
        tiny.restore(OnGpu())


@pytest.mark.parametrize(
    "options",
    [
        {"task": "upscale"},
        {"task": "denoise", "model": "derain"},
        {"precision": "f64"},
        {"stage": 4},
        {"stage": 300},
        {"stage": -1},
        {"stage": "first"},
        {"mode": "local", "train_size": -1},
        {"mode": "tiled", "tile": 1 << 70},
        {"strength": 1.5},
        {"mode": "sideways"},
        {"train_size": 64},
        {"mode": "tiled", "train_size": 64},
        {"mode": "local", "train_size": 3},
        {"tile": 64},
        {"mode": "local", "overlap": 8},
        {"mode": "tiled", "tile": 8},
        {"mode": "tiled", "tile": 32, "overlap": 32},
        {"max_memory": "much"},
        {"strength": float("nan")},
    ],
    ids=str,
)
def test_arguments(options):
    with pytest.raises(mprnet.BadInput):
        mprnet.Restorer(**options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strength": "x"}, "strength is 'x', and a number from 0 to 1 is expected"),
        ({"precision": None}, 'precision is None, and "f32", "f16" or "exact" is expected'),
        ({"precision": "f64"}, 'precision is "f64", and "f32", "f16" or "exact" is expected'),
        ({"mode": 3}, 'mode is 3, and "global", "local" or "tiled" is expected'),
        ({"model": 3}, "model is 3, and the path of a file is expected"),
        ({"task": 3}, "task is 3, and the name of one is expected"),
        ({"max_memory": "2P"}, 'max_memory is "2P", and an amount such as 512M or 2G is expected'),
    ],
)
def test_arguments_are_told_by_name(options, words):
    with pytest.raises(mprnet.BadInput, match=re.escape(words)):
        mprnet.Restorer(**options)


def test_numbers_are_told_by_name():
    with pytest.raises(mprnet.BadInput, match="overlap is -1, and a whole number from 0"):
        mprnet.Restorer(mode="tiled", tile=numpy.int64(64), overlap=-1)
    with pytest.raises(mprnet.BadInput, match="width is -1, and a whole number from 0"):
        mprnet.inspect("denoise", width=-1)


def test_remedies_are_those_of_python(tiny):
    with pytest.raises(mprnet.BadInput, match="training size of 3 pixels is no multiple of 16"):
        mprnet.Restorer(mode="local", train_size=3)
    with pytest.raises(mprnet.OutOfMemory, match="allow more with max_memory$"):
        mprnet.Restorer(max_memory="1K").restore(numpy.zeros((24, 36, 3), numpy.uint8))
    for kind in ["jpeg", "tiff", "png"]:
        whole = encoded(kind)
        with pytest.raises(mprnet.BadFile, match="get (a whole|another) copy of the file$"):
            tiny.restore_file(whole[: len(whole) // 2], f"a.{kind}")


def test_models(program, golden, tmp_path):
    malformed = golden / "checkpoints" / "malformed" / "zip_eval.pth"
    told = program("inspect", malformed, code=1).stderr
    for attempt in [mprnet.inspect, lambda path: mprnet.Restorer(model=path)]:
        with pytest.raises(mprnet.BadModel) as caught:
            attempt(malformed)
        assert told == f"error: {caught.value}\n"
        with pytest.raises(mprnet.BadFile, match="cannot read .*absent"):
            attempt(tmp_path / "absent.pth")
    with pytest.raises(mprnet.BadInput, match="must end in .safetensors"):
        mprnet.convert(golden / "tiny.safetensors", tmp_path / "out.pth")
    with pytest.raises(mprnet.BadFile, match="there is no directory"):
        mprnet.convert(golden / "tiny.safetensors", tmp_path / "absent" / "out.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_files(tiny):
    with pytest.raises(mprnet.BadFile, match="a.png: it is not an image"):
        tiny.restore_file(b"no image", "a.png")
    with pytest.raises(mprnet.BadFile, match="a.bmp: the name must end in"):
        tiny.restore_file(encoded("png"), "a.bmp")


def test_devices():
    with pytest.raises(mprnet.NoDevice, match="no adapter matches no such; there are: "):
        mprnet.Restorer(device="no such").restore(numpy.zeros((8, 8, 3), numpy.uint8))


def test_no_device_at_all(script):
    text = (
        "import mprnet\nprint(mprnet.devices())\ntry: mprnet.Restorer().adapter\nexcept mprnet.NoDevice as e: print(e)"
    )
    out = script(text, env={"VK_DRIVER_FILES": "/absent", "WGPU_BACKEND": "vulkan"})
    assert out.startswith("[]\nno GPU adapter was found")


def test_too_large():
    with pytest.raises(mprnet.OutOfMemory, match='restore a smaller photo, or use precision="f16"'):
        mprnet.inspect("denoise", width=1 << 27, height=1)


def test_scores():
    photo = samples((24, 36, 3), numpy.uint8)
    for metric in (mprnet.psnr, mprnet.ssim):
        with pytest.raises(mprnet.BadInput, match="same size"):
            metric(photo, photo[1:])
        with pytest.raises(mprnet.BadInput, match="protocol"):
            metric(photo, photo, "luma")
    with pytest.raises(mprnet.BadInput, match="11 pixels"):
        mprnet.ssim(photo[:10], photo[:10], "y")


def test_kinds():
    kinds = [mprnet.BadFile, mprnet.BadInput, mprnet.BadModel, mprnet.DeviceError, mprnet.NoDevice, mprnet.OutOfMemory]
    for kind in kinds:
        assert issubclass(kind, mprnet.Error) and kind.__doc__ and kind.__module__ == "mprnet"
        assert str(pickle.loads(pickle.dumps(kind("why")))) == "why"
    assert issubclass(mprnet.OutOfMemory, MemoryError) and issubclass(mprnet.BadFile, OSError)


def test_what_f16_does_not_hold_is_told_to_logging(golden, caplog):
    restorer = mprnet.Restorer(model=golden / "tiny.safetensors", precision="f16")
    with caplog.at_level(logging.INFO, "mprnet"):
        restorer.restore(samples((24, 36, 3), numpy.uint8))
    assert [record.message.split(" for")[0] for record in caplog.records if "measured" in record.message]
    assert all(record.name.startswith("mprnet") for record in caplog.records)


LEVELS = """
import logging, sys, numpy, mprnet
logging.basicConfig(stream=sys.stdout, format="%(message)s")
for level in (logging.ERROR, logging.INFO):
    print(logging.getLevelName(level), flush=True)
    logging.getLogger().setLevel(level)
    restorer = mprnet.Restorer(model=sys.argv[1], precision="f16")
    restorer.restore(numpy.full((24, 36, 3), 90, numpy.uint8))
"""


def test_levels_of_logging_may_be_set_late(script, golden):
    # In a process of its own, since what other tests were told might be remembered.
    before, after = script(LEVELS, golden / "tiny.safetensors").removeprefix("ERROR\n").split("INFO\n")
    assert before == "" and "measured" in after
