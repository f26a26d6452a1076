"""The keeper of one worker process: starts it, tells how it ended, and leaves none of its descendants behind.

Run by path, as `python -I -S keeper.py DRIVER CONTROL CHANNEL PROGRAM...`; it imports none of rnnbench and nothing
large. DRIVER is the process id of who started it, CONTROL and CHANNEL are inherited sockets, the second for the worker.

Linux gives a process whose parent died to the nearest ancestor that asked for it. The keeper asks, so that whatever a
worker starts (a daemon in a session of its own too) comes to be a child of the keeper once it has lost its parents, and
can be found and killed. Why a process of its own: the driver may be somebody's notebook, whose children are not ours.

On CONTROL the driver says `t` (terminate the worker's session); the end of it, or the driver's own end, means that
all is to go. The keeper says how the worker ended, as a line with its exit code or minus the number of the signal,
before it sweeps up and ends.

What a worker runs may kill its keeper too. So the keeper stands between two: it is the child of a guard, which takes in
what the keeper leaves if it is killed, and each of the two sweeps up once the other is gone.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress

SWEEP_SECONDS = 10.0  # after which what can't be killed is left
PARENT_SECONDS = 1.0  # between two looks at whether the driver lives, should another process hold its end of CONTROL
KEEPER_SECONDS = 2.0  # that the keeper has to sweep up before the guard does it
SET_PDEATHSIG, SET_CHILD_SUBREAPER = 1, 36  # of Linux's prctl
FIRST_TO_GO = b"500"  # of the kernel, where memory is short: a worker before the driver
OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(driver: int, control: int, channel: int, program: list[str]) -> None:
    """The guard, and within it the keeper."""
    os.set_inheritable(control, False)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in OURS:
        signal.signal(number, signal.SIG_IGN)  # whoever stops everything stops the driver, which stops this
    prctl(SET_CHILD_SUBREAPER, 1)
    guard, (ended, alive) = os.getpid(), os.pipe()
    keeper = os.fork()
    if keeper == 0:
        try:
            os.close(ended)
            os.setsid()  # no signal to the one's group reaches the other
            keep(guard, control, channel, program)
        except BaseException as error:
            os.write(2, f"its keeper: {error}\n".encode(errors="backslashreplace"))
            os._exit(1)
        os._exit(0)
    os.close(alive)
    os.close(channel)
    quiet()
    watched = select.poll()
    watched.register(ended, select.POLLIN)
    watched.register(control, 0)  # for its end alone
    while os.getppid() == driver and not watched.poll(1000 * PARENT_SECONDS):
        pass
    # the keeper has seen the same, and sweeps up, unless it was killed or stopped
    over = select.select([ended], [], [], KEEPER_SECONDS)[0]
    if not over or os.waitpid(keeper, 0)[1] != 0:
        sweep(keeper)


def keep(guard: int, control: int, channel: int, program: list[str]) -> None:
    """Holds one worker until it, the guard or the driver has ended, and sweeps up."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    prctl(SET_CHILD_SUBREAPER, 1)
    worker = start(program)
    os.close(channel)
    quiet()
    watched = select.poll()
    watched.register(control, select.POLLIN)
    watched.register(woken, select.POLLIN)
    while os.getppid() == guard:
        for ready, _ in watched.poll(1000 * PARENT_SECONDS):
            if ready == woken:
                os.read(woken, 4096)
            elif not heard(control, worker):
                sweep(worker)
                return
        code = reap(worker)
        if code is not None:
            tell(control, code)
            break
    sweep(worker)


def quiet() -> None:
    """What the worker prints goes to the driver; nobody else holds that pipe."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (1, 2):
        os.dup2(nowhere, standard)


def prctl(what: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(what, value)


def start(program: list[str]) -> int:
    """The worker, in a session of its own; it dies with the keeper."""
    keeper = os.getpid()
    worker = os.fork()
    if worker:
        return worker
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (*OURS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        prctl(SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)
        with suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(FIRST_TO_GO)  # not elsewhere than on Linux, where the kernel chooses
        os.execv(program[0], program)
    except BaseException as error:
        os.write(2, f"{program[0]}: {error}\n".encode(errors="backslashreplace"))
        os._exit(127)


def heard(control: int, worker: int) -> bool:
    """Does what the driver asks for; whether it still has something to ask."""
    try:
        asked = os.read(control, 4096)
    except OSError:
        return False
    if b"t" in asked:
        kill(-worker, signal.SIGTERM)
    return bool(asked)


def tell(control: int, code: int) -> None:
    with suppress(OSError):  # the driver is gone
        os.write(control, b"%d\n" % code)


def kill(target: int, how: int) -> None:
    with suppress(OSError):  # gone already, or another user's
        os.kill(target, how)


def reap(worker: int) -> int | None:
    """Buries every child that has died; how the worker ended, once it has."""
    found = None
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if child == 0:
            return found
        if child == worker:
            found = os.waitstatus_to_exitcode(status)


def descendants() -> set[int]:
    """Every process below this one, as /proc has them; none where there is no /proc."""
    below: dict[int, list[int]] = {}
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return set()
    for name in names:
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        below.setdefault(parent, []).append(int(name))
    found: set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        children = below.get(waiting.pop(), [])
        found.update(children)
        waiting += children
    return found


def sweep(worker: int) -> None:
    """Kills a worker, or a keeper, and all that it has started. What is found is stopped first, until nothing new is
    found: what forks faster than it is killed would get away."""
    kill(-worker, signal.SIGKILL)
    ends = time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < ends:
        reap(worker)
        held: set[int] = set()
        while new := descendants() - held:
            for process in new:
                kill(process, signal.SIGSTOP)
            held |= new
            if time.monotonic() > ends:
                break
        if not held and not children():
            return
        for process in held:
            kill(process, signal.SIGKILL)
        time.sleep(0.01)


def children() -> bool:
    """Whether there is a child left, where there is no /proc to tell."""
    try:
        return os.waitpid(-1, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
