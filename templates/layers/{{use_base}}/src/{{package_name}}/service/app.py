"""The application: the family's routes inside the shell that observes, protects and bounds them."""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.middleware import Middleware

from ..about import program_name, version
from ..settings import Settings
from . import health, problems, routes
from .champion import ChampionHolder
from .limits import LimitWork
from .metrics import Metrics
from .observe import ObserveRequests
from .recording import Recorder
from .security import RequireApiKey

# ONNX Runtime uses one thread a call, so more workers than cores would only wait for each other.
WORKER_THREADS = min(4, os.cpu_count() or 1)


def create_app(settings: Settings) -> FastAPI:
    """Build the application; the champion is loaded when it starts, not here.

    Parameters
    ----------
    settings : Settings
        Where the champion is, the limits and the API key.

    Returns
    -------
    FastAPI
        `app.state` holds `settings`, `metrics`, `champion` (a ChampionHolder), `recorder` (takes
        what was answered) and, while it runs, `workers` (a thread pool for requests that would
        hold up the event loop).
    """
    metrics = Metrics()
    champion = ChampionHolder(
        settings.artifacts_dir, lambda artifact: routes.load(artifact, settings), metrics
    )
    recorder = Recorder(settings, metrics, lambda: champion.current.artifact)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if not champion.loaded:
            champion.load()
        with ThreadPoolExecutor(WORKER_THREADS, thread_name_prefix="worker") as workers:
            app.state.workers = workers
            watcher = asyncio.create_task(champion.watch(settings.reload_seconds))
            champion.ready = True
            try:
                async with recorder.running():
                    yield
            finally:
                champion.ready = False
                watcher.cancel()
                with suppress(asyncio.CancelledError):
                    await watcher

    app = FastAPI(
        title=program_name(),
        version=version(),
        lifespan=lifespan,
        # FastAPI's pages load scripts from a foreign site; the page at `/` needs none.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Its spans would hold query values, and looking for a collector costs time in each request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        middleware=[
            Middleware(ObserveRequests, metrics=metrics, log_level=settings.log_level),
            Middleware(RequireApiKey, api_key=settings.api_key),
            Middleware(LimitWork, settings=settings, metrics=metrics),
        ],
    )
    app.state.settings = settings
    app.state.metrics = metrics
    app.state.champion = champion
    app.state.recorder = recorder
    routes.add_routes(app, champion)
    health.add_routes(app, champion, metrics)
    problems.add_handlers(app)
    return app
