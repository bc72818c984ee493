"""Pictures on their way to the service: read, made smaller where they are large, never kept."""

import base64
from io import BytesIO
from pathlib import Path

from gradio.utils import get_upload_folder
from PIL import Image, ImageOps

from .client import ServiceError

JPEG = "image/jpeg"
UNKNOWN = "application/octet-stream"
LARGEST_FILE = 500_000  # bytes that go as they are
LARGEST_SIDE = 640  # pixels of a larger one
FRAME_SIDE = 320  # pixels of a frame of the camera
MOST_PIXELS = 60_000_000  # of a picture that is decoded here; a telephone takes 12 to 50 million
QUALITY = 90  # of a JPEG, to 100


def take(path: Path) -> bytes:
    """Read what was uploaded, and delete it.

    Parameters
    ----------
    path : Path
        Where Gradio has put it.

    Raises
    ------
    ServiceError
        When it is gone, or is no upload.
    """
    folder = Path(get_upload_folder()).resolve()
    if not path.resolve().is_relative_to(folder):
        raise ServiceError("This file is no upload.")
    try:
        content = path.read_bytes()
        path.unlink()
        path.parent.rmdir()
    except OSError as error:
        raise ServiceError("The upload is gone.", "Choose the picture again.") from error
    return content


def as_sent(content: bytes) -> tuple[bytes, str]:
    """Return a picture as it goes to the service, and its media type.

    A file up to `LARGEST_FILE` bytes goes as it is, whatever it is: the service says what it takes.
    A larger one that can be read becomes a JPEG, turned upright.
    """
    media_type = UNKNOWN
    try:
        with Image.open(BytesIO(content)) as picture:
            media_type = picture.get_format_mimetype() or UNKNOWN
            if len(content) <= LARGEST_FILE or picture.width * picture.height > MOST_PIXELS:
                return content, media_type
            # A JPEG is decoded small at once.
            picture.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
            return as_jpeg(ImageOps.exif_transpose(picture), LARGEST_SIDE), JPEG
    # Pillow's decoders raise all of these for files that are broken or too large.
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return content, media_type


def as_jpeg(picture: Image.Image, side: int) -> bytes:
    """Return a picture as a JPEG of at most so many pixels a side."""
    smaller = picture.convert("RGB")
    smaller.thumbnail((side, side))
    written = BytesIO()
    smaller.save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def data_url(content: bytes, media_type: str) -> str:
    """Return a picture as an address that holds it: a page that shows it asks for no file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
