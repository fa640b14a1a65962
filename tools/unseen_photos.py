"""Makes the photographs that no choice about the models was made by: crops of Debian's wallpapers, 500x500 PNG.

    python unseen_photos.py OUT

Debian's packages lomiri-wallpapers-16.04, lomiri-wallpapers-20.04 and mate-backgrounds (72 MB together, apt-get and
dpkg-deb needed) hold photographs by members of their communities, under the licences that the packages tell. Here each
is reduced until its shorter side has 500 pixels, so that what its camera and its JPEG file left does not count.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

SIDE = 500
PACKAGES = {
    "lomiri-wallpapers-16.04": (
        "Bridge_by_Sander_Klootwijk.jpg",
        "Dragonfly_by_Bolly.jpg",
        "Picture_0B_by_freespace.jpg",
        "Picture_1A_by_freespace.jpg",
        "Wine_by_Jakkub_Mede.jpg",
        "aitzgorri_by_Aitzol_Berasategi.jpg",
        "friends_by_Aitzol_Berasategi.jpg",
        "life_by_Aitzol_Berasategi.jpg",
        "picosdeeuropa_by_Aitzol_Berasategi.jpg",
        "sunset_by_Aitzol_Berasategi.jpg",
    ),
    "lomiri-wallpapers-20.04": ("Kleiber_by_Lukas_Baubkus.jpg",),
    "mate-backgrounds": ("mate/nature/Dune.jpg",),
}
"""The photographs of each package, below usr/share/backgrounds."""


def unpacked(package: str, folder: Path) -> Path:
    """Downloads a package and unpacks it; the folder of its wallpapers."""
    subprocess.run(["apt-get", "download", "-qq", "-oAPT::Sandbox::User=root", package], cwd=folder, check=True)
    archive = next(folder.glob(f"{package}_*.deb"))
    subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    return folder / "usr/share/backgrounds"


def reduced(photo: Image.Image) -> Image.Image:
    """The square in the middle, SIDE pixels to either side."""
    width, height = photo.size
    left, top = max(0, width - height) / 2, max(0, height - width) / 2
    box = (left, top, width - left, height - top)
    return photo.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder that gets the photographs")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for package, names in PACKAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            wallpapers = unpacked(package, Path(folder))
            for name in names:
                with Image.open(wallpapers / name) as photo:
                    reduced(photo.convert("RGB")).save(args.out / f"{Path(name).stem}.png")


if __name__ == "__main__":
    main()
