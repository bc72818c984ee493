"""Makes picture files for the tests: good ones of every kind, and ones that nobody should send."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def scene(height: int = 30, width: int = 40, seed: int = 0) -> Pixels:
    """Make a smooth picture in colour that is unlike itself when turned or mirrored."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.array(image)


def encoded(pixels: Pixels | Image.Image, kind: str, **options: Any) -> bytes:
    """Return a picture as a file of a kind that Pillow writes."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def rotated_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png(
    width: int, height: int, depth: int, colour: int, rows: bytes, *, interlaced: bool = False
) -> bytes:
    """Write a PNG by hand; `rows` has a filter byte before each row."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def interlaced_png(pixels: Pixels) -> bytes:
    """Write the seven passes of Adam7, which Pillow reads but does not write."""
    height, width, _ = pixels.shape
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in [*passes, (1, 0, 2, 1)]
        for row in pixels[top::down, left::right]
    )
    return png(width, height, 8, 2, rows, interlaced=True)


def webp_of(width: int, height: int) -> bytes:
    """Return the header of a large WebP, with next to nothing behind it."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def many_scans(count: int) -> bytes:
    """Return a progressive JPEG whose last scan stands there `count` times."""
    content = encoded(scene(), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


def fill(folder: Path, signs: list[str], count: int = 6, *, kind: str = "png") -> Path:
    """Write `count` pictures of each sign into a folder for each; return the folder."""
    for number, sign in enumerate(signs):
        (folder / sign).mkdir(parents=True)
        for picture in range(count):
            seed = hash_of(folder.name) + 1_000 * number + picture
            name = f"{picture:03d}.{kind}"
            content = encoded(scene(seed=seed), {"jpg": "JPEG"}.get(kind, kind.upper()))
            (folder / sign / name).write_bytes(content)
    return folder


def hash_of(name: str) -> int:
    return zlib.crc32(name.encode())
