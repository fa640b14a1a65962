"""A 3x3 convolution by ncnn, once: what `ncnn.py` runs on a GPU that is not there. Arguments: channels, width, height, and
f16 or f32. Weights are noise, and so are results."""

import struct
import sys
from pathlib import Path

import ncnn
import numpy

channels, width, height = (int(argument) for argument in sys.argv[1:4])
half = sys.argv[4] == "f16"
scratch = Path("/tmp")
taps = channels * channels * 9
(scratch / "conv.param").write_text(
    f"7767517\n2 2\nInput in 0 1 in 0={width} 1={height} 2={channels}\n"
    f"Convolution conv 1 1 in out 0={channels} 1=3 4=1 5=1 6={taps}\n"
)
noise = numpy.random.default_rng(0).random(taps, dtype=numpy.float32)
(scratch / "conv.bin").write_bytes(struct.pack("<I", 0) + noise.tobytes() + bytes(4 * channels))
net = ncnn.Net()
net.opt.use_vulkan_compute = True
net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = half
if net.load_param(str(scratch / "conv.param")) or net.load_model(str(scratch / "conv.bin")):
    sys.exit("ncnn does not load the convolution")
extractor = net.create_extractor()
# ncnn's conversion to halves on the CPU fails here with the memory of a device that is not there: it gets halves.
extractor.input("in", ncnn.Mat(numpy.zeros((channels, height, width), numpy.float16 if half else numpy.float32)))
if extractor.extract("out")[0]:
    sys.exit("ncnn does not run the convolution")
