"""The one error that is meant for people."""


class CapstonerError(Exception):
    """Something that the person at the keyboard can mend.

    Parameters
    ----------
    problem
        What is wrong and where, as a sentence.
    hint
        What to do next; empty where nothing can be said.
    exit_code
        1 when the work failed, 2 when the request itself was refused.
    """

    def __init__(self, problem: str, hint: str = "", exit_code: int = 1) -> None:
        super().__init__(problem)
        self.hint = hint
        self.exit_code = exit_code


class RefusedError(CapstonerError):
    """The request cannot be carried out as it was written; nothing was done."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem, hint, exit_code=2)
