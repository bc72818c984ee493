"""How fast the service is, beside what it could be and what it replaces: `uv run poe bench`."""
