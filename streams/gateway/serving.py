"""The gateway's processes: what each follows and writes, begun and ended with the server that answers.

gridwatch gateway --- one process ---------- server --- app --- registry, door, writer
                 `--- several: a parent that holds the port, starts them and replaces those that die
"""

import asyncio
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from streams.broker.compacted import CompactedFollower
from streams.broker.publisher import Publisher
from streams.garbage import collect_garbage_rarely
from streams.gateway.app import App, make_app
from streams.gateway.denials import denial_output
from streams.gateway.door import Door
from streams.gateway.openapi import openapi_json
from streams.gateway.problems import Problem
from streams.gateway.protocol import BoundedProtocol
from streams.gateway.pseudonyms import read_pseudonyms
from streams.gateway.recent import RecentRecords
from streams.gateway.registrar import TOPIC
from streams.gateway.registry import Registry
from streams.gateway.replies import place_of
from streams.gateway.standing import Standings
from streams.gateway.taking import Gateway
from streams.gateway.vitals import GatewayVitals
from streams.gateway.writing import Writer
from streams.health.pulses import StalledError
from streams.health.server import PortTakenError
from streams.health.supervision import Supervision
from streams.health.survey import Survey
from streams.logs import configure_logs, get_logger
from streams.settings import Settings

log = get_logger(__name__)

_WRITE_RECORDS = 5_000
_DENIALS_S = 5.0
_PARENT_S = 1.0
_GRACE_S = 15
_BACKLOG = 2048
# A head has so long before its body; a body that is too slow is told so before its connection is closed.
_HEAD_S = 10.0
# For the brokers, the health server, logs, and whoever is told to come again.
_OTHER_FILES = 256
_WRONG_START = 2
# Every one of them has forward secrecy; uvicorn's own choice has none of those with GCM, and some without any encryption.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:!aNULL:!eNULL"


@dataclass(slots=True)
class Ending:
    """With which exit status the process ends."""

    status: int = 0


def serve(settings: Settings) -> int:
    """Answer until SIGTERM, in as many processes as the settings say, and return the exit status.

    Raises OSError where it cannot listen, ValueError for a setting that is wrong.
    """
    ending = Ending()
    refuse_wrong_certificate(settings)
    listener = _listen(settings)
    settings = _with_room(settings)
    config = _config(settings, ending)
    log.info("gateway listens", port=listener.getsockname()[1], processes=settings.gateway.processes)
    if settings.gateway.processes == 1:
        # The server raises again what it was stopped by, once it is done.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(ending.status))
        try:
            Server(config).run(sockets=[listener])
        except SystemExit as ended:
            return _WRONG_START if ended.code == STARTUP_FAILURE else ending.status
        return ending.status
    parent = Multiprocess(config, sockets=[listener])
    parent.run()
    return _WRONG_START if any(each.exitcode == STARTUP_FAILURE for each in parent.processes) else 0


def refuse_wrong_certificate(settings: Settings) -> None:
    """Raise ValueError, beginning with the setting, for files of which no TLS can be made."""
    gateway = settings.gateway
    if (gateway.certificate_file is None) != (gateway.key_file is None):
        raise ValueError("gateway: expected certificate_file and key_file, or neither")
    if gateway.certificate_file is None:
        return
    try:
        # A password is asked for on a terminal otherwise.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(gateway.certificate_file, gateway.key_file, password="")
    except (OSError, ValueError):
        raise ValueError(
            "gateway.certificate_file: expected a certificate in PEM, and in key_file its key without a password"
        ) from None


def _with_room(settings: Settings) -> Settings:
    """Return settings with as many connections as there may be open files, whose limit is raised where that is allowed."""
    gateway = settings.gateway
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # With a tenth more than `connections_max` nobody is let in.
    wanted = gateway.connections_max + gateway.connections_max // 10 + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return settings
    files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, files), hard))
    connections = min(gateway.connections_max, max(1, (files - _OTHER_FILES) * 10 // 11))
    if connections < gateway.connections_max:
        log.warning("open files bound connections", files=files, connections=connections)
    return settings.model_copy(update={"gateway": gateway.model_copy(update={"connections_max": connections})})


def _listen(settings: Settings) -> socket.socket:
    gateway = settings.gateway
    family = socket.AF_INET6 if ":" in gateway.host else socket.AF_INET
    return socket.create_server((gateway.host, gateway.port), family=family, backlog=_BACKLOG)


def _config(settings: Settings, ending: Ending) -> Config:
    gateway = settings.gateway
    return Config(
        partial(build_app, settings, ending),
        factory=True,
        http=partial(  # type: ignore[arg-type]
            BoundedProtocol,
            arrival_seconds=gateway.body_seconds + _HEAD_S,
            connections_max=gateway.connections_max,
        ),
        ws="none",
        loop="uvloop",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        workers=gateway.processes,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=gateway.keep_alive_seconds,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=gateway.certificate_file,
        ssl_keyfile=gateway.key_file,
        ssl_ciphers=_CIPHERS,
    )


def build_app(settings: Settings, ending: Ending) -> App:
    """Return the application of one process; also called in processes that are started anew."""
    configure_logs(settings.log_format, settings.log_level)
    app = _Process(settings, ending).app
    collect_garbage_rarely()
    return app


class _Process:
    def __init__(self, settings: Settings, ending: Ending) -> None:
        self._settings, self._ending = settings, ending
        gateway, registry, standings = settings.gateway, Registry(), Standings()
        person_id_of = None
        if gateway.pseudonym_key_file is not None:
            person_id_of = read_pseudonyms(gateway.pseudonym_key_file).person_id
        self._sources = CompactedFollower(settings, TOPIC, registry.take)
        self._gateway = Gateway(
            registry,
            Door(RecentRecords(gateway.recent_records), person_id_of),
            Writer(lambda: Publisher(settings), most_records=gateway.records_max, write_records=_WRITE_RECORDS),
            standings,
            denial_output,
            bodies_max=gateway.bodies_max,
            body_seconds=gateway.body_seconds,
            is_ready=lambda: self._sources.is_ready,
        )
        self._followers = [self._sources, CompactedFollower(settings, "source-states", standings.take)]
        self._is_stopping = False
        self.app = make_app(self._gateway, openapi_json(), lifespan=self._running)

    @asynccontextmanager
    async def _running(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._gateway.writer)
            loops = [each.run() for each in self._followers] + [self._tell_denials()]
            if self._settings.gateway.processes > 1:
                loops.append(_end_with_parent())
            asyncio.get_running_loop().set_exception_handler(_tell)
            tasks = [asyncio.create_task(each) for each in loops]
            for task in tasks:
                task.add_done_callback(self._note_end)
            self._supervise()
            try:
                yield
            finally:
                self._is_stopping = True
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        log.info("gateway stopped", records=self._gateway.writer.written_records)

    async def _tell_denials(self) -> None:
        while True:
            await asyncio.sleep(_DENIALS_S)
            with suppress(Problem):  # the next time tells them
                await self._gateway.tell_denials()

    def _supervise(self) -> None:
        """Start the watchdog, and the health server on the first free port of those that the processes have."""
        first, count = self._settings.health.port, self._settings.gateway.processes
        for port in range(first, first + count) if first else [0]:
            settings = _with_health(self._settings, port)
            survey = Survey(settings, dict)
            vitals = GatewayVitals(self._gateway, settings, lambda: self._sources.is_ready, self._end)
            with suppress(PortTakenError):
                Supervision(settings, [vitals], survey, lambda: self._is_stopping).start()
                return
        raise PortTakenError(f"health.port: expected a free port of {first} to {first + count - 1}")

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """End the process where a part of it has ended: who does not follow the sources lets revoked keys in for ever."""
        if self._is_stopping or task.cancelled() or (error := task.exception()) is None:
            return
        log.critical("a part of the gateway has failed", error=type(error).__name__)
        self._ending.status = os.EX_SOFTWARE
        signal.raise_signal(signal.SIGTERM)

    def _end(self, reason: StalledError) -> None:
        log.critical("gateway failed", reason=str(reason))
        self._ending.status = reason.exit_status
        signal.raise_signal(signal.SIGTERM)


def _tell(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Tell of an error that nobody waits for, without its text: that may repeat what was sent."""
    error = context.get("exception")
    log.error("an error in the event loop", error=type(error).__name__, place=place_of(error))


def _with_health(settings: Settings, port: int) -> Settings:
    """Return settings for a process with a health port of its own, which no absence of brokers ends."""
    health = settings.health.model_copy(update={"port": port})
    watchdog = settings.watchdog.model_copy(update={"outage_seconds": 0.0})
    return settings.model_copy(update={"health": health, "watchdog": watchdog})


async def _end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(_PARENT_S)
    log.warning("the parent process has gone")
    signal.raise_signal(signal.SIGTERM)
