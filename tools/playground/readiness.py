"""Refuses to start the playground where it cannot run."""

from __future__ import annotations

import errno
import socket
import types

from sagan_tf.errors import UserError


def find_server() -> types.ModuleType:
    """Returns the module that serves the page.

    Raises:
        UserError: if the package that it needs is not installed.
    """
    try:
        from tools.playground import site
    except ModuleNotFoundError as error:
        raise UserError(
            f"the playground needs the package {error.name}: `make extras` "
            "installs it into .venv-extras, or any environment's "
            "`python -m pip install -r requirements-extras.txt`"
        ) from error
    return site


def check_port(host: str, port: int) -> None:
    """Refuses an address where nothing can listen.

    Raises:
        UserError: if the host is unknown or the port taken or reserved.
    """
    try:
        family, kind, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            # As servers do it: a port just left may be taken again.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        if isinstance(error, socket.gaierror) or (
            error.errno == errno.EADDRNOTAVAIL
        ):
            raise UserError(
                "--host should be an address of this machine, such as "
                f"127.0.0.1. Received: {host!r}"
            ) from error
        raise UserError(
            f"--port should be free at --host={host}. Received: {port} "
            f"({error.strerror or error})"
        ) from error
