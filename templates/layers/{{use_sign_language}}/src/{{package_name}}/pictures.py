"""Reads pictures that people send, hostile ones too, and makes of them what a network sees."""

import re
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MEDIA_TYPES = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
MAX_PIXELS = 50_000_000
MIN_SIDE = 8
# The largest square that a network takes: a JPEG is decoded no finer than needed for it.
ENOUGH = 512
# Progressive JPEGs have about ten scans. Each costs a pass over the whole picture, so a small file
# with thousands of them would keep a processor busy for minutes.
MAX_SCANS = 100
MAX_SEGMENTS = 5_000
GREY = (128, 128, 128, 255)

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8\xff"
# In a JPEG's data a byte of 255 is followed by 0 or by a restart mark; all else begins a segment.
JPEG_SEGMENT = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])", re.DOTALL)
JPEG_SCAN, JPEG_END = b"\xda", b"\xd9"
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
# What begins otherwise and is met among pictures, to say more than "not read".
OTHER_STARTS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "SVG",
}

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(ValueError):
    """A picture is not taken; the message is a sentence for a person, the same for each cause."""


def read_picture(
    content: bytes, *, media_type: str | None = None, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decode a picture: upright as its EXIF says, on grey where it is transparent, first frame.

    A JPEG is decoded at a half, a quarter or an eighth of its size as long as its shorter side
    keeps 512 pixels, so that a photo of 24 megapixels takes little time and memory.

    Parameters
    ----------
    content : bytes
        A PNG, JPEG or WebP file.
    media_type : str or None
        What it is said to be, one of `MEDIA_TYPES`; None to believe its first bytes.
    max_pixels : int
        More are refused before anything is decoded.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue; not to be written to.

    Raises
    ------
    PictureError
        When it is of another format, not what `media_type` says, too large, too small, cut off or
        broken.
    """
    name = _format_of(content)
    if media_type is not None and MEDIA_TYPES.get(media_type) != name:
        raise PictureError(f"It is a {_spelled(name)} picture and was sent as {media_type}.")
    if name == "WEBP":
        _check_size(_webp_size(content), max_pixels)
    if name == "JPEG" and _has_many_scans(content):
        raise PictureError("It has more scans or segments than a camera writes.")
    try:
        with Image.open(BytesIO(content), formats=[name]) as image:
            _check_size(image.size, max_pixels)
            image.draft(None, (ENOUGH, ENOUGH))
            image.load()
            turn = TURNS.get(_orientation(image))
            upright = _on_grey(image) if turn is None else _on_grey(image).transpose(turn)
            return np.asarray(upright)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(max_pixels) from error
    # Hostile bytes make the decoders raise nearly any error there is.
    except Exception as error:
        if "truncated" in str(error).lower():
            raise PictureError("Its end is missing.") from error
        raise PictureError("It is broken.") from error


def square(picture: NDArray[np.uint8], size: int, channels: int) -> NDArray[np.uint8]:
    """Cut the square from the centre of a picture and scale it.

    Each new pixel is the mean of the area that it covers; a picture that is smaller than `size` is
    enlarged linearly. Grey is the luma of ITU-R Recommendation BT.601.

    Parameters
    ----------
    picture : ndarray of uint8, shape (height, width, 3)
        From `read_picture`.
    size : int
        Of the square, in pixels.
    channels : int
        1 for grey, 3 for colour.

    Returns
    -------
    ndarray of uint8, shape (channels, size, size)
    """
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = Image.fromarray(picture[top : top + side, left : left + side])
    if channels == 1:
        image = image.convert("L")
    method = Image.Resampling.BOX if side >= size else Image.Resampling.BILINEAR
    pixels = np.asarray(image.resize((size, size), method)).reshape(size, size, channels)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def standardise(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Take from each picture its mean, and divide it by its standard deviation.

    Training and serving share it: it makes dim and bright, flat and harsh pictures alike. A picture
    of one colour becomes zero: the deviation counts as one of 255 steps at least.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, c, s, s)

    Returns
    -------
    ndarray of float32, shape (n, c, s, s)
    """
    values = pictures.astype(np.float32)
    values /= 255
    values -= values.mean(axis=(1, 2, 3), keepdims=True)
    deviation = np.sqrt(np.square(values).mean(axis=(1, 2, 3), keepdims=True))
    values /= np.maximum(deviation, np.float32(1 / 255))
    return values


def as_png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture of shape (c, height, width), grey or colour, as a PNG file has it."""
    pixels = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
    written = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(written, "PNG", optimize=True)
    return written.getvalue()


def _format_of(content: bytes) -> str:
    """Return the name that Pillow has for the format, or refuse it."""
    if content.startswith(PNG_START):
        return "PNG"
    if content.startswith(JPEG_START):
        return "JPEG"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if not content:
        raise PictureError("It is empty.")
    other = next((name for start, name in OTHER_STARTS.items() if content.startswith(start)), None)
    if content[4:8] == b"ftyp":
        brand = content[8:12]
        other = "HEIC" if brand in HEIC_BRANDS else "AVIF" if brand in AVIF_BRANDS else "Video"
    if other:
        raise PictureError(f"{other} is not read; export it as JPEG.")
    raise PictureError("It is no PNG, JPEG or WebP picture.")


def _spelled(name: str) -> str:
    return "WebP" if name == "WEBP" else name


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise _too_large(max_pixels)
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"It is smaller than {MIN_SIDE} × {MIN_SIDE} pixels.")  # noqa: RUF001


def _too_large(max_pixels: int) -> PictureError:
    return PictureError(f"It has more than {max_pixels:,} pixels.")


def _webp_size(content: bytes) -> tuple[int, int]:
    """Return the width and height that the header of a WebP declares (RFC 9649).

    Pillow's decoder reserves memory for them before it tells them.
    """
    kind = content[12:16]
    if kind == b"VP8X":
        return _number(content[24:27]) + 1, _number(content[27:30]) + 1
    if kind == b"VP8L":
        bits = _number(content[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _number(content[26:28]) & 0x3FFF, _number(content[28:30]) & 0x3FFF
    raise PictureError("It is broken.")


def _has_many_scans(content: bytes) -> bool:
    """Tell whether a JPEG has too many scans or segments before its first end (ITU-T T.81, B)."""
    scans = segments = 0
    found = JPEG_SEGMENT.search(content, len(JPEG_START) - 1)
    while found and found[1] != JPEG_END:
        segments += 1
        scans += found[1] == JPEG_SCAN
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            return True
        length = int.from_bytes(content[found.end() : found.end() + 2], "big")
        found = JPEG_SEGMENT.search(content, found.end() + length)
    return False


def _number(part: bytes) -> int:
    return int.from_bytes(part, "little")


def _orientation(image: Image.Image) -> int:
    """Return how the camera was held, 1 (upright) where the EXIF data is missing or garbage."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    # The parser raises many kinds of errors, and a picture is no worse for it.
    except Exception:
        return 1


def _on_grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16 bits of grey: Pillow's own conversion cuts off whatever is above 255.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        background = Image.new("RGBA", image.size, GREY)
        background.alpha_composite(image.convert("RGBA"))
        image = background
    return image if image.mode == "RGB" else image.convert("RGB")
