"""`gridwatch gateway`: take records of devices over HTTP."""

import click

from streams.cli.ending import leave
from streams.settings import Settings


@click.command(epilog="Example: GRIDWATCH_GATEWAY__PORT=8300 gridwatch gateway")
@click.option("--processes", type=click.IntRange(1, 64), help="Processes that share the port, in place of the setting.")
@click.pass_obj
def command(settings: Settings, processes: int | None) -> None:
    """Take records of devices over HTTP and write them into the raw topics, until SIGTERM.

    POST /v1/events takes one record, an array or lines of JSON, gzip or zstd, from sources that are registered
    (`gridwatch sources add`), and answers when all replicas in sync have them. /v1/openapi.json says the rest. Without a
    certificate in the settings something before it has to speak TLS. While no broker answers, devices are told to come
    again. Exit status: 0 stopped, 2 a setting is wrong or a port is taken, 70 it stood still and its watchdog ended it.
    """
    from streams.gateway.pseudonyms import PseudonymKeyError, read_pseudonyms
    from streams.gateway.serving import serve

    gateway = settings.gateway
    try:
        if gateway.pseudonym_key_file is not None:
            read_pseudonyms(gateway.pseudonym_key_file)
    except PseudonymKeyError as error:
        raise click.UsageError(str(error)) from None
    if processes is not None:
        settings = settings.model_copy(update={"gateway": gateway.model_copy(update={"processes": processes})})
    try:
        status = serve(settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(f"gateway: cannot listen on {gateway.host}:{gateway.port}: {error.strerror}") from None
    leave(status)
