"""Capstoner: scaffold the capstone projects of an AI roadmap, and keep them up to date."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - run from a clone, no installer has checked this
    raise SystemExit(
        f"Capstoner needs Python 3.11 or newer; this is {sys.version.split()[0]}.\n"
        "Run it with `uv run capstoner`: uv finds or downloads a Python that fits."
    )
