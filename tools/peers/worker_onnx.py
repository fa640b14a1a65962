"""ONNX Runtime as a worker of `compare.py`, on the CPU or on its WebGPU provider."""

from __future__ import annotations

import argparse

import onnxruntime

from peers import protocol

PROVIDERS = {"cpu": "CPUExecutionProvider", "webgpu": "WebGpuExecutionProvider"}


def prepare(args: argparse.Namespace) -> tuple[protocol.Run, dict[str, object]]:
    """A session on the provider asked for, and on no other."""
    provider = PROVIDERS[args.provider]
    if provider not in onnxruntime.get_available_providers():
        raise protocol.Unavailable(f"this ONNX Runtime has no {provider}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    if provider != PROVIDERS["cpu"]:
        # An operator that the provider lacks would run on the CPU, and nothing says so.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    # Without an adapter the runtime would fall back to its CPU provider.
    try:
        session = onnxruntime.InferenceSession(args.model, options, providers=[provider], enable_fallback=0)
    except RuntimeError as error:
        # A failed check of the runtime begins with where and what it was.
        raise protocol.Unavailable(str(error).rsplit(" was false. ", 1)[-1].strip()) from None
    if session.get_providers()[0] != provider:
        raise protocol.Unavailable(f"{provider} fell back to {session.get_providers()[0]}")
    feed = {session.get_inputs()[0].name: protocol.read_input(args.input)}
    # The runtime does not tell which adapter its WebGPU provider took.
    info = {"version": f"ONNX Runtime {onnxruntime.__version__}", "adapter": "", "driver": ""}
    return lambda: session.run(None, feed)[0], info


def main() -> None:
    parser = protocol.arguments(__doc__)
    parser.add_argument("--provider", choices=PROVIDERS, default="cpu")
    args = parser.parse_args()
    protocol.main(lambda: prepare(args), args.output, None)


if __name__ == "__main__":
    main()
