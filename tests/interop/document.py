"""document.py - a Markdown document whose console blocks are run: what is typed
after '$ ', and what is shown to come of it.

In what is shown, '...' stands for any text in a line, and a line of it alone
for any lines; how much blank space there is between words is not compared.  A
command may fail only where the shown text has a line that begins with 'error:',
'Error', or a number of exit status is printed by the command itself.  A block
marked 'oras 1.2' is for that minor version and those after it."""
import re
import subprocess
import types

FENCE = re.compile(r"^```(sh|console)(?: oras (\d+)\.(\d+))?\n(.*?)^```$",
                   re.M | re.S)


def commands(text):
    """Each command of a document in order: what is typed, what is shown, from
    which version of oras on, and its line."""
    found = []
    for block in FENCE.finditer(text):
        since = tuple(map(int, block.group(2, 3))) if block[2] else (0, 0)
        line = text.count("\n", 0, block.start()) + 2
        if block[1] == "sh":
            found.append(types.SimpleNamespace(
                typed=block[4], shown=None, since=since, line=line))
            continue
        for part in re.split(r"^\$ ", block[4], flags=re.M)[1:]:
            typed = re.match(r"(?:.*\\\n)*.*\n?", part)[0]
            found.append(types.SimpleNamespace(
                typed=typed, shown=part[len(typed):].splitlines(),
                since=since, line=line))
            line += part.count("\n")
    return found


def words(line):
    return " ".join(line.split())


def differs(shown, said):
    """None where `said`, a text, is what `shown`, lines, promise; else the
    first line of these that is not met."""
    lines = [words(line) for line in said.splitlines() if line.strip()]
    at, free = 0, False
    for line in (words(line) for line in shown if line.strip()):
        if line == "...":
            free = True
            continue
        pattern = re.compile(".*".join(map(re.escape, line.split("..."))))
        while free and at < len(lines) and not pattern.fullmatch(lines[at]):
            at += 1
        if at == len(lines) or not pattern.fullmatch(lines[at]):
            return line
        at, free = at + 1, False
    return None if free or at == len(lines) else f"nothing after line {at}"


def run(command, folder, env, names):
    """Type `command`; `names`: {what the document calls a host: its name}."""
    typed = command.typed
    for written, real in names.items():
        typed = typed.replace(written, real)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", typed],
                          cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, umask=0o022, timeout=120)
    said = done.stdout
    for written, real in names.items():
        said = said.replace(real, written)
    may_fail = any(re.match(r"error:|Error", line)
                   for line in command.shown or ())
    where = f"line {command.line}: {command.typed}{said}"
    assert (done.returncode != 0) == may_fail, \
        f"exit status {done.returncode}: {where}"
    if command.shown is not None:
        missing = differs(command.shown, said)
        assert missing is None, f"'{missing}' is not what was said, {where}"
