"""Settings of the app, beside those of every process."""

from pydantic import Field

from ..settings import Settings


class UiSettings(Settings):
    """Where the service is, and where the app listens, from `APP_*` variables.

    Attributes
    ----------
    api_url : str
        The address of the service; it is asked with `api_key` where that is set.
    ui_host : str
        The address to listen on.
    ui_port : int
        The port to listen on; 0 takes a free one.
    """

    api_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^/\s]")
    ui_host: str = "127.0.0.1"
    ui_port: int = Field(default=7860, ge=0, le=65_535)
