"""ncnn as a worker of `compare.py`, on the CPU or on Vulkan."""

from __future__ import annotations

import argparse

import ncnn
import numpy as np

from peers import protocol

VULKAN_VERSION_FIELDS = ((22, 0x7F), (12, 0x3FF), (0, 0xFFF))


def options(net: ncnn.Net, vulkan: bool, precision: str, threads: int) -> None:
    """f32 throughout, or storage as asked for; ncnn's default, arithmetic in f16 too, gave NaN for derain."""
    net.opt.use_vulkan_compute = vulkan
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = precision == "f16"
    net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_packed = net.opt.use_bf16_storage = precision == "bf16"


def adapter() -> tuple[str, str]:
    """Name of the Vulkan adapter, and the API version that its driver speaks."""
    ncnn.create_gpu_instance()
    if ncnn.get_gpu_count() == 0:
        raise protocol.Unavailable("ncnn finds no Vulkan adapter")
    info = ncnn.get_gpu_info(ncnn.get_default_gpu_index())
    version = ".".join(str(info.api_version() >> shift & mask) for shift, mask in VULKAN_VERSION_FIELDS)
    return info.device_name(), f"Vulkan {version}"


def prepare(args: argparse.Namespace) -> tuple[protocol.Run, dict[str, object]]:
    """A network whose layers all run where they are asked to."""
    name, driver = adapter() if args.vulkan else ("", "")
    net = ncnn.Net()
    options(net, args.vulkan, args.precision, args.threads)
    if net.load_param(f"{args.model}.param") != 0 or net.load_model(f"{args.model}.bin") != 0:
        raise protocol.Unavailable(f"ncnn does not load {args.model}.param")
    if args.vulkan:
        # Layers without a shader run on the CPU, and nothing says so. Input is none.
        on_cpu = sorted({layer.type for layer in net.layers() if layer.type != "Input" and not layer.support_vulkan})
        if on_cpu:
            raise protocol.Unavailable(f"ncnn runs these layers on the CPU: {', '.join(on_cpu)}")
    x = protocol.read_input(args.input)[0]
    source, sink = net.input_names()[0], net.output_names()[0]

    def run() -> np.ndarray:
        extractor = net.create_extractor()
        extractor.input(source, ncnn.Mat(x))
        failed, y = extractor.extract(sink)
        if failed:
            raise protocol.Unavailable(f"ncnn fails with code {failed}")
        return np.array(y)

    info = {"version": f"ncnn {ncnn.__version__}", "adapter": name, "driver": driver}
    return run, info


def main() -> None:
    parser = protocol.arguments(__doc__)
    parser.add_argument("--vulkan", action="store_true")
    parser.add_argument("--precision", choices=("f32", "f16", "bf16"), default="f32")
    args = parser.parse_args()
    protocol.main(lambda: prepare(args), args.output, None)


if __name__ == "__main__":
    main()
