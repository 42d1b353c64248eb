"""Whether a process has ended is known of this machine's processes alone."""

import os
import subprocess
import sys

from rollcall import who


def test_a_process_of_this_machine_has_ended_once_it_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not who.has_ended(who.machine(), process.pid)
    assert who.has_ended(who.machine(), process.pid)


def test_of_another_machines_processes_nothing_is_known() -> None:
    assert not who.has_ended("elsewhere", 2**22 + 1)
    assert not who.has_ended(who.machine(), 0)
    assert not who.has_ended(who.machine(), os.getpid())
