"""Against PyTorch and JAX: `sh tools/test_python.sh --heavy`."""

import os
import sys

import numpy
import pytest
from conftest import REPOSITORY, samples

import mprnet

pytestmark = pytest.mark.skipif("MPRNET_HEAVY" not in os.environ, reason="needs --heavy: PyTorch and JAX are large")


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_the_published_size_equals_the_reference(torch, tmp_path):
    sys.path.insert(0, str(REPOSITORY / "tools"))
    import mprnet_torch
    import seeded_weights
    from safetensors.numpy import save_file

    weights = seeded_weights.weights(mprnet_torch.PUBLISHED["derain"].shapes(), 2)
    save_file(weights, tmp_path / "derain.safetensors")
    photo = numpy.clip(samples((64, 96, 3), numpy.float32), 0, 1)
    with torch.inference_mode():
        network = mprnet_torch.load(tmp_path / "derain.safetensors")
        expected = network(torch.from_numpy(photo).permute(2, 0, 1)[None])[2][0].permute(1, 2, 0).clamp(0, 1).numpy()
    restorer = mprnet.Restorer(model=tmp_path / "derain.safetensors")
    # The bound that the library's own tests have for f32; photo and result are alike, what lies between them is not.
    error = numpy.linalg.norm(restorer.restore(photo) - expected) / numpy.linalg.norm(expected - photo)
    print(f"relative L2 error of the residual: {error:.2e}")
    assert error < 1e-5
    eighths = (photo * 255).round().astype(numpy.uint8)
    with torch.inference_mode():
        seen = torch.from_numpy(eighths / numpy.float32(255)).permute(2, 0, 1)[None]
        expected = (network(seen)[2][0].permute(1, 2, 0).clamp(0, 1) * 255).round().numpy().astype(numpy.uint8)
    apart = numpy.abs(restorer.restore(eighths).astype(int) - expected)
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-3


def test_tensors_of_pytorch(torch, tiny):
    photo = samples((24, 36, 3), numpy.float32)
    expected = tiny.restore(photo)
    tensor = torch.from_numpy(photo)
    assert tiny.restore(tensor).tobytes() == expected.tobytes()
    planes = tensor.permute(2, 0, 1).contiguous()
    assert tiny.restore(planes.permute(1, 2, 0)).tobytes() == expected.tobytes()
    with pytest.raises(mprnet.BadInput, match="channels first"):
        tiny.restore(planes)
    with pytest.raises(mprnet.BadInput, match="grad"):
        tiny.restore(tensor.clone().requires_grad_())
    assert torch.equal(torch.from_dlpack(tiny.restore(tensor)), torch.from_numpy(expected))


def test_tensors_of_jax(tiny):
    jax = pytest.importorskip("jax")
    photo = samples((24, 36, 3), numpy.float32)
    restored = tiny.restore(jax.numpy.asarray(photo))
    assert restored.tobytes() == tiny.restore(photo).tobytes()
    assert (jax.numpy.from_dlpack(restored) == restored).all()
