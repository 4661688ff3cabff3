"""measure.py - run a program and say what it used.

usage: python3 -S measure.py OUTPUT.json PROGRAM ARGUMENT...

Writes {"status", "maxrss_bytes", "rchar", "wchar", "read_bytes",
"write_bytes"}.  A process of its own, because the peak that wait4 reports
begins with the memory of whoever forked: here, that is little.
"""
import json
import os
import sys


def main():
    pid = os.fork()
    if pid == 0:
        try:
            os.execvp(sys.argv[2], sys.argv[2:])
        finally:
            os._exit(127)
    # Ended, but not yet reaped: /proc still has its counters.
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with open(f"/proc/{pid}/io", encoding="ascii") as f:
        used = {k: int(v) for k, v in (line.split(":") for line in f)}
    _, status, usage = os.wait4(pid, 0)
    used["status"] = os.waitstatus_to_exitcode(status)
    used["maxrss_bytes"] = usage.ru_maxrss * 1024
    with open(sys.argv[1], "w", encoding="ascii") as f:
        json.dump(used, f)


main()
