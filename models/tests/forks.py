"""Work in processes that are forked from a test."""

import multiprocessing
import os
import socket
from collections.abc import Callable

FORK = multiprocessing.get_context("fork")
PATIENCE = 120  # s


def alone(work: Callable[[], None]) -> int | None:
    """Exit code of ``work`` done in a process of its own; -9 if it was killed."""
    process = FORK.Process(target=work)
    process.start()
    process.join(PATIENCE)
    return process.exitcode


def together(work: Callable[[int], None], count: int = 2) -> None:
    """Do ``work(rank)`` in processes that find each other as if torchrun had started them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def process(rank: int) -> None:
        os.environ |= {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(count),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
        work(rank)

    processes = [FORK.Process(target=process, args=(rank,)) for rank in range(count)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(PATIENCE)
    assert [one.exitcode for one in processes] == [0] * count
