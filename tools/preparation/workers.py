"""Several processes, each of which writes one shard after the other.

Each worker ends when the process that started it has gone, however it went:
its end of the pipe then breaks.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
from typing import Any, Callable, Sequence

from sagan_tf.data.readers import Reader
from sagan_tf.errors import UserError
from tools.preparation.plan import Plan
from tools.preparation.writing import write_shard

Report = Callable[[int], None]


def write_shards(
    reader: Reader,
    plan: Plan,
    numbers: Sequence[int],
    *,
    output: str,
    progress: str,
    processes: int,
    report: Report,
) -> None:
    """Write shards, in this process or in several.

    Args:
        reader: reads the pictures; each process gets a copy.
        plan: what is to be done.
        numbers: which shards.
        output: directory of the shards.
        progress: directory of what the index will say of each.
        processes: how many; 1 starts none.
        report: called with the number of pictures done since the last call.

    Raises:
        UserError: if a picture cannot be used, or a process was killed.
    """
    if processes == 1 or len(numbers) < 2:
        for number in numbers:
            write_shard(reader, plan, number, output, progress, report)
        return
    # A fork of a process that runs TensorFlow's threads may hang.
    context = multiprocessing.get_context("spawn")
    team = []
    try:
        for _ in range(min(processes, len(numbers))):
            team.append(_start(context, reader, plan, output, progress))
        _hand_out(dict(team), list(numbers), report)
    finally:
        for pipe, process in team:
            pipe.close()
            process.terminate()
            process.join()


def _start(context: Any, *arguments: Any) -> tuple[Any, Any]:
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_work, args=(theirs, *arguments), daemon=True
    )
    process.start()
    # Else it would not break when the worker ends.
    theirs.close()
    return ours, process


def _hand_out(team: dict, numbers: list[int], report: Report) -> None:
    waiting, left = numbers[::-1], len(numbers)
    for pipe in team:
        if waiting:
            pipe.send(waiting.pop())
    while left:
        for pipe in multiprocessing.connection.wait(list(team)):
            try:
                kind, value = pipe.recv()
            except EOFError as error:
                raise UserError(
                    "a process that prepares pictures was killed: start again "
                    "to go on, perhaps with fewer --processes"
                ) from error
            if kind == "error":
                raise UserError(value)
            if kind == "pictures":
                report(value)
                continue
            left -= 1
            if waiting:
                pipe.send(waiting.pop())


def _work(
    pipe: Any, reader: Reader, plan: Plan, output: str, progress: str
) -> None:
    # The terminal sends it to all; the one who started this ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def report(count: int) -> None:
        pipe.send(("pictures", count))

    try:
        while True:
            number = pipe.recv()
            write_shard(reader, plan, number, output, progress, report)
            pipe.send(("shard", number))
    except UserError as error:
        pipe.send(("error", str(error)))
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return
        _try_to_send(pipe, ("error", str(error)))
    except EOFError:
        return


def _try_to_send(pipe: Any, message: tuple[str, str]) -> None:
    try:
        pipe.send(message)
    except OSError:
        return
