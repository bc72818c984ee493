"""What a client sends and gets: a picture, and the signs that it may show."""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, create_model

from .pictures import MEDIA_TYPES, PictureError, as_png

NOT_SURE = "not sure"
# As a browser gives a picture: the page of the service and many clients send it so.
DATA_URL = re.compile(r"data:([a-z]{1,20}/[a-z0-9.+-]{1,40});base64,")
DESCRIPTION = (
    "A picture of one hand in base64: PNG, JPEG or WebP, with or without `data:image/png;base64,` "
    "before it. It is cut to the square in its middle."
)

Decode = Callable[[bytes, str | None], NDArray[np.uint8]]


class Candidate(BaseModel):
    """A sign that the picture may show, with its calibrated probability."""

    sign: str
    probability: float


class Contribution(BaseModel):
    """How much one cell of the picture counts for the most probable sign.

    Attributes
    ----------
    field : str
        Where the cell is in the square that the network sees, for instance `row 2, column 3`,
        counted from the upper left.
    value, typical : float
        The mean brightness of the cell, and of the picture, by which the cell was replaced for
        comparison; 0 is black, 1 is white.
    effect : float
        The probability of the sign with the cell minus that without it.
    """

    field: str
    value: float
    typical: float
    effect: float


class Response(BaseModel):
    """The sign that the picture shows, if the network is sure enough.

    Attributes
    ----------
    prediction : str
        The most probable sign, or `not sure`.
    sure : bool
        Whether the probability reaches the threshold of the model, and there is something to see.
    probability : float
        Of the most probable sign, calibrated: of answers with 0.8, about 80 % are right on pictures
        like those that the model was evaluated on.
    candidates : list[Candidate]
        The most probable signs, the first one first, sure or not.
    warnings : list[str]
        What makes this answer less certain than others.
    contributions : list[Contribution] or None
        The cells of the picture, the largest effect first; only when asked for.
    heat : list[list[float]] or None
        The same effects as rows of the picture, to be drawn over it; only when asked for.
    model : str
        The id of the artefact that answered.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "prediction": "7",
                "sure": True,
                "probability": 0.94,
                "candidates": [
                    {"sign": "7", "probability": 0.94},
                    {"sign": "8", "probability": 0.04},
                    {"sign": "6", "probability": 0.01},
                ],
                "warnings": [],
                "contributions": None,
                "heat": None,
                "model": "20261122T193309Z-1a2b3c4d",
            }
        }
    )

    prediction: str
    sure: bool
    probability: float
    candidates: list[Candidate]
    warnings: list[str] = []
    contributions: list[Contribution] | None = None
    heat: list[list[float]] | None = None
    model: str

    def headline(self) -> str:
        """Return the answer in one sentence."""
        if self.sure:
            # No network is certain, and a rounded 100 % would say so.
            sure = "over 99%" if self.probability > 0.99 else f"{self.probability:.0%}"
            return f"{self.prediction}, with a probability of {sure}"
        likely = " or ".join(f"{each.sign} ({each.probability:.0%})" for each in self.candidates)
        return f"{self.prediction}; most probably {likely}"


def request_model(decode: Decode, example: dict[str, Any]) -> type[BaseModel]:
    """Build the model of a request; its one field `image` is base64 outside and pixels inside.

    Parameters
    ----------
    decode : Callable
        Makes the square that the network sees, uint8 of shape (c, s, s), of a picture's bytes and
        its media type, where that is known; PictureError when it is no picture to be taken. A large
        upload is so kept no longer than it takes to read it.
    example : dict[str, Any]
        One real request, shown in the API's documentation.
    """

    def validate(value: object) -> NDArray[np.uint8]:
        if not isinstance(value, str):
            raise PictureError("It is no text: send a picture in base64.")
        return decode(*from_base64(value))

    schema = {
        "type": "string",
        "contentEncoding": "base64",
        "description": DESCRIPTION,
        "examples": [example["image"]],
    }
    pixels = Annotated[NDArray[np.uint8], PlainValidator(validate), WithJsonSchema(schema)]
    config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, json_schema_extra={"example": example}
    )
    fields: dict[str, Any] = {"image": (pixels, Field(description=DESCRIPTION))}
    return create_model("PredictionRequest", __config__=config, **fields)


def from_base64(text: str) -> tuple[bytes, str | None]:
    """Return the bytes of a picture, and its media type where a data URL names it.

    Raises
    ------
    PictureError
        When the text is no base64, or of a kind of file that is not taken.
    """
    prefix = DATA_URL.match(text)
    if prefix and prefix[1] not in MEDIA_TYPES:
        raise PictureError(f"It is {prefix[1]}; send one of {', '.join(MEDIA_TYPES)}.")
    # The command `base64` breaks its lines; anything else that is no base64 is refused.
    written = (text[prefix.end() :] if prefix else text).replace("\r", "").replace("\n", "")
    try:
        return base64.b64decode(written, validate=True), prefix[1] if prefix else None
    except (binascii.Error, ValueError):
        raise PictureError(
            "It is no base64: a character is wrong, or its end or its padding with `=` is missing."
        ) from None


def to_base64(picture: NDArray[np.uint8]) -> str:
    """Return a picture of shape (c, height, width), grey or colour, as the base64 of a PNG."""
    return base64.b64encode(as_png(picture)).decode("ascii")
