"""A word, spelled sign by sign before the camera; the service's own page has the same rule."""

from dataclasses import dataclass

SURE_FRAMES = 3  # in a row, until a sign is taken


@dataclass(frozen=True)
class Held:
    """The sign that the last frames show surely.

    Attributes
    ----------
    sign : str | None
        None where the network is not sure.
    frames : int
        How many frames in a row.
    """

    sign: str | None = None
    frames: int = 0

    def then(self, sign: str | None) -> "Held":
        """Return what is held after another frame; None is a frame without a sure sign."""
        return Held(sign, self.frames + 1 if sign == self.sign else 1)

    @property
    def is_taken_now(self) -> bool:
        """Say whether this frame adds the sign; the same again needs another sign in between."""
        return self.sign is not None and self.frames == SURE_FRAMES

    def __str__(self) -> str:
        """Return what a person is to do."""
        if self.sign is None:
            return "○" * SURE_FRAMES + " Show a sign."
        seen = min(self.frames, SURE_FRAMES)
        dots = "●" * seen + "○" * (SURE_FRAMES - seen)
        if self.frames < SURE_FRAMES:
            return f"{dots} Hold {self.sign}."
        return f"{dots} {self.sign} is taken: change the sign."
