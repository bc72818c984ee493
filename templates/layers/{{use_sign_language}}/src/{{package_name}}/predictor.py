"""Answers with the exported network: ONNX Runtime, numpy and Pillow, nothing that trains."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from . import explanation, pictures
from .artifact import Artifact, ArtifactError
from .calibration import softmax
from .schemas import NOT_SURE, Candidate, Contribution, Response, request_model, to_base64
from .watching import light

# The largest difference of a probability from what the trained network gave.
PARITY = 1e-4
# What ONNX Runtime gets at once, 64 pictures of 48 by 48: more is not faster, but a network keeps
# many numbers for each pixel.
PIXELS_AT_ONCE = 64 * 48 * 48
# A phone's photo. The largest takes up to 0.3 gigabytes while it is decoded, in each of the
# service's few threads; larger ones are refused by their header.
MAX_PIXELS = 16_000_000
# As shares of white; between them a hand can be seen.
DARK, BRIGHT, FLAT = 0.1, 0.9, 0.03
SYNTHETIC = "The model was trained on synthetic pictures alone: expect it to err on photos."

Pictures = NDArray[np.uint8]


class Serving(BaseModel):
    """How the network's output becomes an answer.

    Attributes
    ----------
    classes : tuple[str, ...]
        The signs, in the order of the network's outputs.
    size, channels : int
        Of the pictures that the network sees.
    temperature : float
        By which its outputs are divided, so that the probabilities are calibrated.
    top : int
        How many candidates an answer names.
    unsure_below : float
        Below this probability the answer is "not sure".
    synthetic : bool
        Whether it saw no photo in training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: tuple[str, ...]
    size: int
    channels: int
    temperature: float
    top: int
    unsure_below: float
    synthetic: bool


class Golden(BaseModel):
    """Pictures, each the base64 of a PNG, with the probabilities that the trained network gave."""

    pictures: list[str]
    probabilities: list[list[float]]

    @classmethod
    def of(cls, shown: Pictures, probabilities: NDArray[np.float64]) -> Self:
        """Keep pictures of shape (n, c, s, s) with their probabilities of shape (n, k)."""
        return cls(
            pictures=[to_base64(picture) for picture in shown],
            probabilities=probabilities.tolist(),
        )


class Predictor:
    """The trained network, ready to answer.

    Attributes
    ----------
    version : str
        The id of the artefact.
    request_model, response_model : type[BaseModel]
        Of one request and one answer.
    example : dict[str, Any]
        One real request.
    uploads : Mapping[str, Callable[[bytes], BaseModel]]
        Makes a request of the body of an upload, by its media type; PictureError when it is no
        such picture.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.version = artifact.metadata.id
        self.example = artifact.metadata.example
        self.serving = Serving.model_validate_json(artifact.read_text("serving.json"))
        self.request_model: type[BaseModel] = request_model(self._decode, self.example)
        self.response_model: type[Response] = Response
        self.uploads: Mapping[str, Callable[[bytes], BaseModel]] = {
            media_type: partial(self.read, media_type=media_type)
            for media_type in pictures.MEDIA_TYPES
        }
        self._session = open_network(artifact.file("model.onnx"))

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load an artefact and compare its answers with those that the trained network gave.

        Raises
        ------
        ArtifactError
            When a file is missing or damaged, or a probability differs by more than 1e-4.
        """
        artifact = Artifact.load(directory)
        hint = "Train again, or restore another version."
        try:
            predictor = cls(artifact)
            golden = Golden.model_validate_json(artifact.read_text("golden.json"))
            requests = [
                predictor.request_model.model_validate({"image": picture})
                for picture in golden.pictures
            ]
            difference = np.abs(
                predictor.probabilities(_stacked(requests)) - np.array(golden.probabilities)
            ).max()
        except ArtifactError:
            raise
        except Exception as error:  # Those of ONNX Runtime have no other class in common.
            what = str(error).splitlines()[0]
            raise ArtifactError(f"The model in {directory} cannot be used: {what}", hint) from error
        if not difference <= PARITY:
            raise ArtifactError(
                f"The model in {directory} gives probabilities that differ by {difference:.2g} "
                "from those of the trained one.",
                hint,
            )
        return predictor

    def read(self, content: bytes, media_type: str | None = None) -> BaseModel:
        """Make a request of a picture file; PictureError when it is none, or of another type."""
        return self.request_model.model_construct(image=self._decode(content, media_type))

    def predict(self, requests: Sequence[BaseModel], *, explain: bool = False) -> list[Response]:
        """Answer each request; safe to call from several threads.

        Parameters
        ----------
        requests : Sequence[BaseModel]
            Instances of `request_model`, at least one.
        explain : bool
            Also measure how much each part of the picture counts, by covering it.

        Returns
        -------
        list[Response]
            As many, in the same order.
        """
        shown = _stacked(requests)
        brightness, contrast = light(shown)
        rows = zip(
            shown,
            self.probabilities(shown),
            brightness.tolist(),
            contrast.tolist(),
            strict=True,
        )
        return [self._answer(*row, explain=explain) for row in rows]

    def probabilities(self, shown: Pictures) -> NDArray[np.float64]:
        """Return the calibrated probabilities, shape (n, k), of pictures of shape (n, c, s, s)."""
        return self._calibrated(pictures.standardise(part) for part in self._parts(shown))

    def watched(
        self, requests: Sequence[BaseModel], answers: Sequence[BaseModel]
    ) -> list[list[Any]]:
        """Return what monitoring compares with the training data: `watching.reference`'s fields."""
        brightness, contrast = light(_stacked(requests))
        rows = zip(brightness.tolist(), contrast.tolist(), answers, strict=True)
        return [
            [bright, varied, answer.probability, answer.candidates[0].sign]
            for bright, varied, answer in rows
            if isinstance(answer, Response)
        ]

    def _calibrated(self, parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
        logits = np.concatenate([self._logits(part) for part in parts])
        return softmax(logits, self.serving.temperature)

    def _parts(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        step = max(1, PIXELS_AT_ONCE // self.serving.size**2)
        return [rows[start : start + step] for start in range(0, len(rows), step)]

    def _logits(self, standardised: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the network's outputs, shape (n, k): the one place where it is called."""
        return run_network(self._session, standardised)

    def _decode(self, content: bytes, media_type: str | None) -> Pictures:
        picture = pictures.read_picture(content, media_type=media_type, max_pixels=MAX_PIXELS)
        return pictures.square(picture, self.serving.size, self.serving.channels)

    def _answer(
        self,
        picture: Pictures,
        probabilities: NDArray[np.float64],
        brightness: float,
        contrast: float,
        *,
        explain: bool,
    ) -> Response:
        order = np.argsort(-probabilities, kind="stable")[: self.serving.top].tolist()
        candidates = [
            Candidate.model_construct(
                sign=self.serving.classes[place],
                probability=round(float(probabilities[place]), 6),
            )
            for place in order
        ]
        probability = float(probabilities[order[0]])
        # What a network says of an empty picture is what it was trained to say most often.
        sure = probability >= self.serving.unsure_below and contrast >= FLAT
        contributions, heat = self._explanation(picture, order[0]) if explain else (None, None)
        return Response.model_construct(
            prediction=candidates[0].sign if sure else NOT_SURE,
            sure=sure,
            probability=candidates[0].probability,
            candidates=candidates,
            warnings=self._warnings(brightness, contrast),
            contributions=contributions,
            heat=heat,
            model=self.version,
        )

    def _warnings(self, brightness: float, contrast: float) -> list[str]:
        found = [SYNTHETIC] if self.serving.synthetic else []
        if brightness < DARK:
            found.append("The picture is very dark.")
        if brightness > BRIGHT:
            found.append("The picture is very bright.")
        if contrast < FLAT:
            found.append("The picture is flat: there is hardly anything to see.")
        return found

    def _explanation(
        self, picture: Pictures, top: int
    ) -> tuple[list[Contribution], list[list[float]]]:
        [standardised] = pictures.standardise(picture[None])
        shown = np.concatenate([standardised[None], explanation.occluded(standardised)])
        probabilities = self._calibrated(self._parts(shown))[:, top]
        return explanation.contributions(picture, probabilities[0] - probabilities[1:])


def open_network(path: Path) -> onnxruntime.InferenceSession:
    """Load an exported network, for one thread."""
    options = onnxruntime.SessionOptions()
    # One thread a session: two that wait for each other are slower than one.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Memory that a large batch once took would stay taken.
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_network(
    session: onnxruntime.InferenceSession, standardised: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the logits, shape (n, k), of standardised pictures, shape (n, c, s, s)."""
    [logits] = session.run(["logits"], {"pictures": standardised})
    return np.asarray(logits, dtype=np.float64)


def _stacked(requests: Sequence[BaseModel]) -> Pictures:
    """Return the pictures of requests, shape (n, c, s, s)."""
    return np.stack([request.__dict__["image"] for request in requests])
