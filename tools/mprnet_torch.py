"""MPRNet in PyTorch: the reference that the shaders and the CPU executor are judged against.

The network of "Multi-Stage Progressive Image Restoration" (Zamir et al., CVPR 2021), with an optional pixel
unshuffle in front of it and pixel shuffle behind it. Module names are the keys of the published checkpoints.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

IMAGE_CHANNELS = 3


@dataclass(frozen=True)
class Config:
    """The sizes that tell one MPRNet from another; all of them can be read off a checkpoint's shapes."""

    n: int
    """Channels at full resolution."""
    s: int
    """Channels added per level of the encoders and decoders."""
    o: int
    """Channels added in the ORSNet of stage 3."""
    num_cab: int
    """Channel attention blocks in each ORB."""
    reduction: int = 4
    """Ratio of channels to hidden channels in the channel attention."""
    bias: bool = False
    shuffle: int = 1
    """Pixel shuffle factor r: the network runs at 1/r of the size on 3*r*r channels."""

    def __post_init__(self) -> None:
        if self.shuffle not in (1, 2, 4):
            raise ValueError(f"pixel shuffle factor {self.shuffle} is not 1, 2 or 4")
        if min(self.n, self.s, self.o, self.num_cab, self.reduction) < 1:
            raise ValueError(f"sizes of a configuration are at least 1: {self}")

    @property
    def io_channels(self) -> int:
        """Channels of the image as the network sees it."""
        return IMAGE_CHANNELS * self.shuffle**2

    @property
    def multiple(self) -> int:
        """Height and width of the image are multiples of this: two x0.5 within quarters, after the unshuffle."""
        return 8 * self.shuffle

    @property
    def description(self) -> str:
        """The sizes in words, as the Rust program writes them."""
        widths = f"n_feat {self.n}, scale_unetfeats {self.s}, scale_orsnetfeats {self.o}"
        return f"{widths}, num_cab {self.num_cab}, reduction {self.reduction}, pixel shuffle {self.shuffle}"

    @classmethod
    def from_state_dict(cls, shapes: Mapping[str, Sequence[int]]) -> Config:
        """Reads the configuration off the shapes of a checkpoint's tensors."""

        def shape(key: str) -> Sequence[int]:
            if key not in shapes:
                raise ValueError(f"not the weights of an MPRNet: {key} is missing")
            return shapes[key]

        n, io_channels = shape("shallow_feat1.0.weight")[:2]
        factors = {IMAGE_CHANNELS * r * r: r for r in (1, 2, 4)}
        if io_channels not in factors:
            raise ValueError(f"shallow_feat1.0.weight has {io_channels} input channels, expected 3, 12 or 48")
        trunk = re.compile(r"stage3_orsnet\.orb1\.body\.(\d+)\.")
        blocks = [int(found[1]) for key in shapes if (found := trunk.match(key))]
        if not blocks:
            raise ValueError("not the weights of an MPRNet: stage3_orsnet.orb1.body is missing")
        return cls(
            n=n,
            s=shape("stage1_encoder.down12.down.1.weight")[0] - n,
            o=shape("concat23.weight")[0] - n,
            num_cab=max(blocks),
            reduction=n // shape("shallow_feat1.1.CA.conv_du.0.weight")[0],
            bias="shallow_feat1.0.bias" in shapes,
            shuffle=factors[io_channels],
        )

    def shapes(self) -> dict[str, list[int]]:
        """Every parameter's key and shape, in checkpoint order."""
        with torch.device("meta"):
            network = MPRNet(self)
        return {key: list(value.shape) for key, value in network.state_dict().items()}


PUBLISHED = {
    "derain": Config(n=40, s=20, o=16, num_cab=8),
    "denoise": Config(n=80, s=48, o=32, num_cab=8),
    "deblur": Config(n=96, s=48, o=32, num_cab=8),
}


def split(x: Tensor, rows: int, columns: int) -> Tensor:
    """Cuts images into rows x columns patches and stacks them along the batch, row by row."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, rows, height // rows, columns, width // columns)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(-1, channels, height // rows, width // columns)


def join(x: Tensor, rows: int, columns: int) -> Tensor:
    """Puts the patches of `split` back together."""
    count, channels, height, width = x.shape
    x = x.reshape(count // (rows * columns), rows, columns, channels, height, width)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, rows * height, columns * width)


def conv(inputs: int, outputs: int, size: int, bias: bool) -> nn.Conv2d:
    """A convolution that keeps height and width."""
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias)


def resize(factor: float) -> nn.Upsample:
    """Bilinear x0.5 or x2."""
    return nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False)


def whole_means(r: Tensor) -> Tensor:
    """The mean of each channel, [batch, channels, 1, 1]."""
    return r.mean((2, 3), keepdim=True)


class ChannelAttention(nn.Module):
    """Scales each channel by a gate computed from the means of all channels."""

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        hidden = channels // config.reduction
        self.means = whole_means
        """What the gate is computed from; `local_mode.py` puts means of windows in its place."""
        self.conv_du = nn.Sequential(
            conv(channels, hidden, 1, config.bias), nn.ReLU(), conv(hidden, channels, 1, config.bias), nn.Sigmoid()
        )

    def gate(self, r: Tensor) -> Tensor:
        """The factors, [batch, channels, 1, 1], or of each pixel."""
        return self.conv_du(self.means(r))

    def forward(self, r: Tensor) -> Tensor:
        return self.gate(r) * r


class CAB(nn.Module):
    """Channel attention block: two 3x3 convolutions and a gate, added to the input."""

    def __init__(self, channels: int, config: Config) -> None:
        super().__init__()
        self.CA = ChannelAttention(channels, config)
        self.body = nn.Sequential(
            conv(channels, channels, 3, config.bias), nn.PReLU(), conv(channels, channels, 3, config.bias)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.CA(self.body(x)) + x


class Down(nn.Module):
    """Half the size, more channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Sequential(resize(0.5), conv(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.down(x)


class Up(nn.Module):
    """Twice the size, fewer channels; with `skip`, that tensor is added."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.Sequential(resize(2.0), conv(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        up = self.up(x)
        return up if skip is None else up + skip


class SAM(nn.Module):
    """Supervised attention module: a stage's output image, and features gated by it."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.conv1 = conv(config.n, config.n, 1, config.bias)
        self.conv2 = conv(config.n, config.io_channels, 1, config.bias)
        self.conv3 = conv(config.io_channels, config.n, 1, config.bias)

    def forward(self, x: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        restored = self.conv2(x) + image
        return self.conv1(x) * torch.sigmoid(self.conv3(restored)) + x, restored


def cabs(count: int, channels: int, config: Config) -> nn.Sequential:
    """A chain of channel attention blocks."""
    return nn.Sequential(*(CAB(channels, config) for _ in range(count)))


Levels = tuple[Tensor, Tensor, Tensor]


class Encoder(nn.Module):
    """Three levels of features; `csff` adds those of the stage before (cross-stage feature fusion)."""

    def __init__(self, config: Config, csff: bool) -> None:
        super().__init__()
        n, s = config.n, config.s
        for level in range(3):
            setattr(self, f"encoder_level{level + 1}", cabs(2, n + level * s, config))
        self.down12 = Down(n, n + s)
        self.down23 = Down(n + s, n + 2 * s)
        if csff:
            for side in ("enc", "dec"):
                for level in range(3):
                    width = n + level * s
                    setattr(self, f"csff_{side}{level + 1}", conv(width, width, 1, config.bias))

    def forward(self, x: Tensor, encoder: Levels | None = None, decoder: Levels | None = None) -> Levels:
        levels: list[Tensor] = []
        for level in (1, 2, 3):
            if level > 1:
                x = self.get_submodule(f"down{level - 1}{level}")(x)
            x = self.get_submodule(f"encoder_level{level}")(x)
            if encoder is not None and decoder is not None:
                e, d = encoder[level - 1], decoder[level - 1]
                x = x + self.get_submodule(f"csff_enc{level}")(e) + self.get_submodule(f"csff_dec{level}")(d)
            levels.append(x)
        return levels[0], levels[1], levels[2]


class Decoder(nn.Module):
    """From the encoder's three levels back to full resolution."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        n, s = config.n, config.s
        self.decoder_level1 = cabs(2, n, config)
        self.decoder_level2 = cabs(2, n + s, config)
        self.decoder_level3 = cabs(2, n + 2 * s, config)
        self.skip_attn1 = CAB(n, config)
        self.skip_attn2 = CAB(n + s, config)
        self.up21 = Up(n + s, n)
        self.up32 = Up(n + 2 * s, n + s)

    def forward(self, e1: Tensor, e2: Tensor, e3: Tensor) -> Levels:
        d3 = self.decoder_level3(e3)
        d2 = self.decoder_level2(self.up32(d3, self.skip_attn2(e2)))
        d1 = self.decoder_level1(self.up21(d2, self.skip_attn1(e1)))
        return d1, d2, d3


class ORB(nn.Module):
    """Original resolution block: channel attention blocks and a closing convolution, added to the input."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        channels = config.n + config.o
        blocks = (CAB(channels, config) for _ in range(config.num_cab))
        self.body = nn.Sequential(*blocks, conv(channels, channels, 3, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + x


class ORSNet(nn.Module):
    """Original resolution subnetwork: three ORBs, each followed by one level of stage 2's features."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        n, s, o = config.n, config.s, config.o
        self.orb1, self.orb2, self.orb3 = ORB(config), ORB(config), ORB(config)
        self.up_enc1, self.up_dec1 = Up(n + s, n), Up(n + s, n)
        self.up_enc2 = nn.Sequential(Up(n + 2 * s, n + s), Up(n + s, n))
        self.up_dec2 = nn.Sequential(Up(n + 2 * s, n + s), Up(n + s, n))
        for side in ("enc", "dec"):
            for level in (1, 2, 3):
                setattr(self, f"conv_{side}{level}", conv(n, n + o, 1, config.bias))

    def forward(self, x: Tensor, e: Levels, d: Levels) -> tuple[Tensor, Levels]:
        """Returns the result and what each ORB gave."""
        orb1 = self.orb1(x)
        x = orb1 + self.conv_enc1(e[0]) + self.conv_dec1(d[0])
        orb2 = self.orb2(x)
        x = orb2 + self.conv_enc2(self.up_enc1(e[1])) + self.conv_dec2(self.up_dec1(d[1]))
        orb3 = self.orb3(x)
        x = orb3 + self.conv_enc3(self.up_enc2(e[2])) + self.conv_dec3(self.up_dec2(d[2]))
        return x, (orb1, orb2, orb3)


class MPRNet(nn.Module):
    """The whole network: RGB in [0, 1], sides multiples of `config.multiple`."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        n, o, io, bias = config.n, config.o, config.io_channels, config.bias
        for stage in (1, 2, 3):
            setattr(self, f"shallow_feat{stage}", nn.Sequential(conv(io, n, 3, bias), CAB(n, config)))
        self.stage1_encoder, self.stage1_decoder = Encoder(config, csff=False), Decoder(config)
        self.stage2_encoder, self.stage2_decoder = Encoder(config, csff=True), Decoder(config)
        self.stage3_orsnet = ORSNet(config)
        self.sam12, self.sam23 = SAM(config), SAM(config)
        self.concat12 = conv(2 * n, n, 3, bias)
        self.concat23 = conv(2 * n, n + o, 3, bias)
        self.tail = conv(n + o, io, 3, bias)

    def forward(self, image: Tensor) -> Levels:
        """The images of stages 1, 2 and 3."""
        return self._run(image, None)

    def features(self, image: Tensor) -> dict[str, Tensor]:
        """What the named modules give (`NAME.0`, `NAME.1`, ... where it is several), and `stage1` to `stage3`.

        Patches are joined to the whole image. The image of a SAM comes after the pixel shuffle; `tail` is before
        it, and before the image is added.
        """
        found: dict[str, Tensor] = {}
        stages = self._run(image, found)
        return found | {f"stage{number}": value for number, value in enumerate(stages, 1)}

    def _run(self, image: Tensor, found: dict[str, Tensor] | None) -> Levels:
        def note(name: str, value: Tensor | Iterable[Tensor], patches: tuple[int, int]) -> None:
            if found is None:
                return
            if isinstance(value, Tensor):
                found[name] = join(value, *patches)
            else:
                found.update({f"{name}.{i}": join(part, *patches) for i, part in enumerate(value)})

        if image.shape[2] % self.config.multiple or image.shape[3] % self.config.multiple:
            raise ValueError(f"sides {tuple(image.shape[2:])} are not multiples of {self.config.multiple}")
        r = self.config.shuffle
        x = F.pixel_unshuffle(image, r)
        halves, quarters = split(x, 2, 1), split(x, 2, 2)

        shallow = self.shallow_feat1(quarters)
        note("shallow_feat1", shallow, (2, 2))
        e = self.stage1_encoder(shallow)
        note("stage1_encoder", e, (2, 2))
        # Left and right quarters are neighbours in the batch: a row of two patches becomes one half.
        e = tuple(join(level, 1, 2) for level in e)
        d = self.stage1_decoder(*e)
        note("stage1_decoder", d, (2, 1))
        sam, stage1 = self.sam12(d[0], halves)
        stage1 = F.pixel_shuffle(stage1, r)
        note("sam12", (sam, stage1), (2, 1))

        x2 = self.concat12(torch.cat([self.shallow_feat2(halves), sam], 1))
        note("concat12", x2, (2, 1))
        e = self.stage2_encoder(x2, e, d)
        note("stage2_encoder", e, (2, 1))
        e = tuple(join(level, 2, 1) for level in e)
        d = self.stage2_decoder(*e)
        note("stage2_decoder", d, (1, 1))
        sam, stage2 = self.sam23(d[0], x)
        stage2 = F.pixel_shuffle(stage2, r)
        note("sam23", (sam, stage2), (1, 1))

        x3 = self.concat23(torch.cat([self.shallow_feat3(x), sam], 1))
        note("concat23", x3, (1, 1))
        x3, orbs = self.stage3_orsnet(x3, e, d)
        for number, orb in enumerate(orbs, 1):
            note(f"stage3_orsnet.orb{number}", orb, (1, 1))
        note("stage3_orsnet", x3, (1, 1))
        tail = self.tail(x3)
        note("tail", tail, (1, 1))
        return join(stage1, 2, 1), stage2, F.pixel_shuffle(tail + x, r)


def from_weights(weights: Mapping[str, Tensor]) -> MPRNet:
    """A network with these weights, in evaluation mode; a missing, unknown or misshapen key is an error."""
    network = MPRNet(Config.from_state_dict({key: tuple(value.shape) for key, value in weights.items()}))
    network.load_state_dict({key: value.float() for key, value in weights.items()})
    return network.eval()


def load(path: Path) -> MPRNet:
    """A network with the weights of a safetensors file."""
    return from_weights(load_file(path))
