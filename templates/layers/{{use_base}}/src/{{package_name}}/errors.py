"""The error that is meant for a person."""


class UserError(Exception):
    """What went wrong and what to do next, without a traceback.

    Parameters
    ----------
    problem : str
        What is wrong and where, as a sentence.
    hint : str
        What to do next, as a sentence; empty where the problem says it.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint
