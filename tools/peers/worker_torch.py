"""PyTorch as a worker of `compare.py`, on the CPU or on CUDA."""

from __future__ import annotations

import argparse

import numpy as np
import torch

from peers import protocol, torch_models

DTYPES = {"f32": torch.float32, "tf32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


class Engine:
    """A module on a device, and the device seconds of its last run."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.gpu_seconds = 0.0

    def prepare(self) -> tuple[protocol.Run, dict[str, object]]:
        """The module as the arguments say, ready to run."""
        args = self.args
        cuda = args.device == "cuda"
        if cuda and not torch.cuda.is_available():
            raise protocol.Unavailable("PyTorch finds no CUDA device")
        torch.set_num_threads(args.threads)
        torch.backends.cuda.matmul.allow_tf32 = args.precision == "tf32"
        torch.backends.cudnn.allow_tf32 = args.precision == "tf32"
        torch.backends.cudnn.benchmark = True
        dtype = DTYPES[args.precision]
        layout = torch.channels_last if args.channels_last else torch.contiguous_format
        module = torch_models.build(args.workload, args.input, args.model)
        module = module.to(args.device, dtype).to(memory_format=layout)
        if args.compile:
            module = torch.compile(module)
        host = torch.from_numpy(protocol.read_input(args.input)).to(dtype).contiguous(memory_format=layout)
        if cuda:
            host = host.pin_memory()
        name = torch.cuda.get_device_name() if cuda else ""
        driver = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}" if cuda else ""
        info = {"version": f"PyTorch {torch.__version__}", "adapter": name, "driver": driver}
        return (lambda: self._run_cuda(module, host)) if cuda else (lambda: self._run_cpu(module, host)), info

    @staticmethod
    @torch.inference_mode()
    def _run_cpu(module: torch.nn.Module, host: torch.Tensor) -> np.ndarray:
        return module(host).float().numpy()

    @torch.inference_mode()
    def _run_cuda(self, module: torch.nn.Module, host: torch.Tensor) -> np.ndarray:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        x = host.to("cuda", non_blocking=True)
        start.record()
        y = module(x)
        end.record()
        result = y.float().cpu().numpy()
        self.gpu_seconds = start.elapsed_time(end) / 1e3
        return result


def main() -> None:
    parser = protocol.arguments(__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=DTYPES, default="f32")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    args = parser.parse_args()
    engine = Engine(args)
    protocol.main(engine.prepare, args.output, (lambda: engine.gpu_seconds) if args.device == "cuda" else None)


if __name__ == "__main__":
    main()
