"""Several photos, threads and processes; and what ends a restoration early."""

import copy
import io
import multiprocessing
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
from conftest import REPOSITORY, samples
from PIL import Image

import mprnet

# Of sizes and types in turns, so that a result in another's place shows.
PHOTOS = [samples((24 + 8 * (i % 3), 36, 3), [numpy.uint8, numpy.uint16, numpy.float32][i % 3], i) for i in range(9)]


@pytest.fixture(scope="module")
def restored(tiny):
    return [tiny.restore(photo) for photo in PHOTOS]


def assert_all_same(arrays, expected):
    assert [array.tobytes() for array in arrays] == [array.tobytes() for array in expected]


def test_many_keep_their_order(tiny, restored):
    assert_all_same(tiny.restore_many(PHOTOS), restored)
    assert list(tiny.restore_many([])) == []


def test_many_are_taken_as_they_are_needed(tiny, restored):
    taken = []

    def photos():
        for number in range(100):
            taken.append(number)
            yield PHOTOS[number % len(PHOTOS)]

    many = tiny.restore_many(photos())
    assert taken == []
    assert_all_same([next(many), next(many)], restored[:2])
    assert len(taken) <= 5
    many.close()
    assert len(taken) <= 5


def test_one_of_many_that_cannot_be_restored_is_raised_in_its_turn(tiny, restored):
    many = tiny.restore_many([PHOTOS[0], PHOTOS[1], numpy.zeros(3, numpy.uint8), PHOTOS[2]])
    assert_all_same([next(many), next(many)], restored[:2])
    with pytest.raises(mprnet.BadInput, match="is no photo"):
        next(many)
    assert list(many) == []


def test_what_of_many_cannot_be_restored_is_returned_where_that_is_asked_for(tiny, restored):
    first, second, third = tiny.restore_many([PHOTOS[0], None, PHOTOS[1]], errors="return")
    assert_all_same([first, third], restored[:2])
    assert isinstance(second, mprnet.BadInput)
    nowhere = mprnet.Restorer(device="no such")
    with pytest.raises(mprnet.NoDevice):
        list(nowhere.restore_many(PHOTOS[:2], errors="return"))
    with pytest.raises(mprnet.BadInput, match="raise"):
        tiny.restore_many([], errors="ignore")


def test_what_the_iterable_raises_is_raised_after_what_came_before(tiny, restored):
    def photos():
        yield from PHOTOS[:2]
        raise LookupError("no more")

    many = tiny.restore_many(photos())
    assert_all_same([next(many), next(many)], restored[:2])
    with pytest.raises(LookupError, match="no more"):
        next(many)
    # Also an error of this library's, which is not of a photo.
    nothing = tiny.restore_many((tiny.restore(None) for _ in range(1)), errors="return")
    with pytest.raises(mprnet.BadInput, match="None is no photo"):
        next(nothing)


def test_a_source_may_use_one_buffer_for_all(tiny):
    photos = [samples((160, 200, 3), numpy.uint8, seed) for seed in range(6)]

    def refilled():
        buffer = numpy.empty_like(photos[0])
        for photo in photos:
            buffer[:] = photo
            # As whoever has the channels of OpenCV gives them.
            yield buffer[..., ::-1]

    turned = [numpy.ascontiguousarray(photo[..., ::-1]) for photo in photos]
    unchanged = mprnet.Restorer(strength=0).restore_many(refilled())
    assert_all_same(unchanged, turned)


def test_a_source_may_close_its_images(tiny, tmp_path):
    photo = samples((64, 48, 3), numpy.uint8)
    Image.fromarray(photo).save(tmp_path / "a.png")

    def opened():
        for _ in range(4):
            with Image.open(tmp_path / "a.png") as image:
                yield image

    assert_all_same(tiny.restore_many(opened()), [tiny.restore(photo)] * 4)


def test_files_of_any_bytes(tiny):
    file = io.BytesIO()
    Image.fromarray(PHOTOS[0]).save(file, "png")
    whole = tiny.restore_file(file.getvalue(), "a.png")
    assert tiny.restore_file(bytearray(file.getvalue()), "a.png") == whole
    pairs = [(file.getbuffer(), "a.png"), (3, "a.png"), (file.getvalue(), None), "a.png"]
    first, *others = tiny.restore_files(pairs, errors="return")
    assert first == whole
    assert all(isinstance(other, mprnet.BadInput) and "the bytes of a file" in str(other) for other in others)


def test_threads_share_a_restorer(tiny, restored):
    with ThreadPoolExecutor(4) as threads:
        assert_all_same(threads.map(tiny.restore, PHOTOS * 3), restored * 3)


def test_other_threads_run_meanwhile(tiny):
    done, turns = threading.Event(), 0

    def restore():
        for _ in range(3):
            tiny.restore(samples((192, 256, 3), numpy.uint8))
        done.set()

    thread = threading.Thread(target=restore)
    thread.start()
    # Each wait lets go of the interpreter, which a restoration that holds it would not give back before it is done.
    while not done.wait(0.001):
        turns += 1
    thread.join()
    assert turns > 20


def test_memory_stays(tiny):
    def resident():
        with open("/proc/self/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10

    if sys.platform != "linux":
        pytest.skip("memory is told by Linux alone")
    photo = samples((64, 96, 4), numpy.float32)
    for _ in range(20):
        tiny.restore(photo)
    before = resident()
    for _ in range(200):
        tiny.restore(photo)
    # One array that is kept for every call would be 20 MB.
    assert resident() - before < 8 << 20


def test_a_restorer_can_be_sent(tiny, restored, golden):
    sent = pickle.loads(pickle.dumps(tiny))
    assert repr(sent) == repr(tiny) and "tiny.safetensors" in repr(sent)
    assert_all_same([sent.restore(PHOTOS[0])], restored[:1])

    class Named(mprnet.Restorer):
        def __init__(self, name):
            super().__init__(model=os.path.relpath(golden / "tiny.safetensors"))
            self.name = name

    state = Named("mine").__getstate__()
    assert os.path.isabs(state["_arguments"]["model"]) and state["name"] == "mine"
    copied = copy.copy(Named("mine"))
    assert type(copied) is Named and copied.name == "mine"
    assert_all_same([copied.restore(PHOTOS[0])], restored[:1])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert_all_same(pool.map(tiny.restore, PHOTOS[:2]), restored[:2])


def test_what_is_closed_opens_again(golden, restored):
    with mprnet.Restorer(model=golden / "tiny.safetensors") as restorer:
        assert_all_same([restorer.restore(PHOTOS[0])], restored[:1])
    restorer.close()
    assert_all_same([restorer.restore(PHOTOS[0])], restored[:1])
    with ThreadPoolExecutor(3) as threads:
        closed = threads.submit(lambda: [restorer.close() for _ in range(20)])
        assert_all_same(threads.map(restorer.restore, PHOTOS), restored)
        closed.result()


def test_importing_it_imports_nothing_large(script):
    large = script("import sys, mprnet\nprint({'numpy', 'ray', 'torch', 'asyncio', 'PIL'} & set(sys.modules))")
    assert large == "set()\n"


LOST = """
import sys, numpy, mprnet
restorer = mprnet.Restorer(model=sys.argv[1])
photo = numpy.full((24, 36, 3), 90, numpy.uint8)
try:
    restorer.restore(photo)
except mprnet.DeviceError as error:
    print("lost" in str(error))
restored = restorer.restore(photo)
print((restored == mprnet.Restorer(model=sys.argv[1]).restore(photo)).all())
"""


def test_a_device_that_is_lost_is_opened_anew(script, golden, tmp_path):
    layer = REPOSITORY / "tools" / "isa" / "layer"
    shutil.copy(layer / "VkLayer_mprnet_isa.json", tmp_path)
    made = ["cc", "-fPIC", "-shared", "-o", tmp_path / "libVkLayer_mprnet_isa.so", *layer.glob("*.c")]
    if not shutil.which("cc") or subprocess.run(made, capture_output=True, check=False).returncode:
        pytest.skip("without a C compiler and Vulkan's headers there is no layer that fails for a driver")
    calls = tmp_path / "calls"
    calls.mkdir()
    fails = {
        "WGPU_BACKEND": "vulkan",
        "VK_LAYER_PATH": str(tmp_path),
        "VK_INSTANCE_LAYERS": "VK_LAYER_MPRNET_isa",
        "ISA_OUT": str(calls),
        # The second submission says that the device is lost.
        "ISA_FAIL": "submission:2-2:-4",
    }
    assert script(LOST, golden / "tiny.safetensors", env={**os.environ, **fails}) == "True\nTrue\n"


FORK = """
import multiprocessing, sys, numpy, mprnet
restorer = mprnet.Restorer(model=sys.argv[1])
photo = numpy.full((24, 36, 3), 90, numpy.uint8)
fork = multiprocessing.get_context("fork")

def restore(pipe):
    try:
        pipe.send(restorer.restore(photo).tobytes())
        # A copy that this process has opened is closed by it.
        globals().clear()
    except mprnet.Error as error:
        pipe.send(error)

def in_a_child():
    here, there = fork.Pipe()
    child = fork.Process(target=restore, args=[there])
    child.start()
    told = here.recv() if here.poll(60) else "nothing"
    child.join(60)
    assert child.exitcode == 0, child.exitcode
    return told

first = in_a_child()
assert first == restorer.restore(photo).tobytes(), first
second = in_a_child()
assert isinstance(second, mprnet.DeviceError) and "forked" in str(second), second
assert first == restorer.restore(photo).tobytes()
try:
    mprnet.Restorer(model=sys.argv[1]).restore(photo)
finally:
    print("done")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="there is no fork on Windows")
def test_forked_processes(script, golden):
    assert script(FORK, golden / "tiny.safetensors") == "done\n"


# Shells have SIGINT ignored in what they run in the background, and programs inherit that.
INTERRUPTED = """
import signal, numpy, mprnet
signal.signal(signal.SIGINT, signal.default_int_handler)
restorer = mprnet.Restorer("denoise")
small = numpy.full((24, 36, 3), 90, numpy.uint8)
expected = restorer.restore(small)
large = numpy.full((4096, 4096, 3), 90, numpy.uint8)
print("begun", flush=True)
try:
    {call}
    print("restored")
except KeyboardInterrupt:
    print("interrupted")
assert (restorer.restore(small) == expected).all()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to whole consoles")
@pytest.mark.parametrize("call", ["restorer.restore(large)", "next(restorer.restore_many([large] * 3))"])
def test_interrupted(tmp_path, call):
    path = tmp_path / "script.py"
    path.write_text(INTERRUPTED.format(call=call))
    with subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        # Wherever it is: while the photo is copied, planned for, compiled for or computed.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(2)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"
        assert process.wait(60) == 0
