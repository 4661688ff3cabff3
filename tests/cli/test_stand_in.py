"""test_stand_in.py - the stand-in for /bin/sh in images: what it understands it
does as a shell does, what it does not it refuses by name, and nothing that it is
given makes it crash or run away.  Under runc: tests/integration."""
import os
import pathlib
import platform
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

import harness
import kserve_scripts

FOLDER = harness.ROOT / "src/profile/shell"
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine())
MIB = 1 << 20
NOBODY = {"user": harness.NOBODY, "group": harness.NOBODY,
          "extra_groups": []} if os.geteuid() == 0 else {}

pytestmark = pytest.mark.skipif(HERE is None, reason="no stand-in for this "
                                f"machine, which is {platform.machine()}")


def built():
    """The same source as a program of this build, for sanitizers."""
    folder = os.environ.get("MREG_BUILD_DIR") or harness.program().parent
    return pathlib.Path(folder) / "tests/stand_in"


@pytest.fixture(params=["committed", "built"])
def sh(request, tmp_path_factory):
    """Runs a script: (status, stdout, stderr)."""
    program = built()
    if request.param == "committed":
        program = tmp_path_factory.mktemp("program") / "sh"
        shutil.copyfile(FOLDER / f"sh.{HERE}", program)
        program.chmod(0o755)

    def run(script, **options):
        return done(program, script, **options)

    run.program = program
    return run


def done(program, script, **options):
    options.setdefault("timeout", 60)
    end = subprocess.run([str(program), "-c", script], capture_output=True,
                         stdin=subprocess.DEVNULL, **options)
    return end.returncode, end.stdout.decode(), end.stderr.decode()


def from_stdin(script):
    """A script that is too large for an argument."""
    end = subprocess.run([str(built()), "-s"], input=script.encode(),
                         capture_output=True, timeout=60)
    return end.returncode, end.stdout.decode(), end.stderr.decode()


# -- what it understands -----------------------------------------------------

UNDERSTOOD = [
    "", " \t\n", "echo", "echo a  b", "echo 'a  b' \"c  d\" e\\ f",
    "echo 'it'\\''s' \"a\\\"b\\$d\" a\"b\"'c'", "echo a;echo b\necho c;",
    "echo $ \"$\" a$ 1", "echo a\\\nb \"c\\\nd\"", "echo a=b a] {a,b} fi then",
    "[ -d . ]", "[ -d nowhere ]", "[ -f file ]", "[ -f . ]", "[ x ]",
    "[ '' ]", "[ ]", "[ -z '' ]", "[ -z x ]", "[ -n '' ]", "[ -n x ]", "[ -d ]",
    "[ -d link ] && [ -f link/file ]", "[ \"$(ls -A empty)\" ]",
    "[ \"$(ls -A folder)\" ]", "[ -z \"$(ls -A empty)\" ]",
    "[ \"$(ls hidden)\" ] || [ \"$(ls -A hidden)\" ] && echo hidden",
    "echo \"<$(echo a; echo; echo 'b  c'; echo; echo)>\"",
    "echo \"$(echo \"$(echo deep)\")\"", "echo \"a$(exit 3)b\"; exit 4; echo c",
    "ls folder", "ls -A hidden", "ls empty",
    "exit", "exit 0", "exit 255", "exit 7",
    "(exit 3)", "(exit 3); echo on", "(echo a; (exit 2; echo b) || exit 5)",
    "(echo a) && (exit 1) || echo b && echo c", "[ '' ] && echo a || echo b",
    "[ x ] || echo a && echo b", "[ '' ] || [ '' ] || exit 9",
    "[ '' ]\nexit", "[ x ] &&\n\n echo a ||\n echo b",
    "if [ -d . ]; then echo a; fi", "if [ '' ]; then echo a; fi",
    "if [ '' ]; then echo a; else echo b; fi; echo c",
    "if [ '' ]\nthen echo a\nelif [ x ]\nthen echo b\nelse echo c\nfi",
    "if [ '' ]; then echo a; elif [ '' ]; then echo b; else echo c; fi",
    "if [ x ]; then if [ '' ]; then echo a; else echo b; fi; fi && echo c",
    "if exit 6; then echo a; fi; echo b", "if [ x ]; then exit 6; fi; echo b",
    "if [ '' ]; then exit 6; fi; exit", "if (exit 1); then exit 2; fi",
    "until [ -d . ]; do sleep 60; done; echo a", "while [ '' ]; do exit 1; done",
    "while [ x ]; do echo a; exit 3; done; echo b",
    "until [ -f made/there ]; do mkdir -p made/there; exit 8; done",
    "while exit 3; do echo a; done", "until (exit 0); do echo a; done",
    "mkdir -p a/b//c/ a /; [ -d a/b/c ] && echo made",
    "mkdir -p new; ln -s file new; ln -s x/y/ new; ls -A new",
    "ln -s there made; ln -sf here made; [ -d made ] || ls -A .",
    "ln -s file fresh && [ -f fresh ]", "ln -s file file; exit",
    "ln -s -f nowhere file; [ -f file ]", "ln -sfn there link; ls -A .",
    "mkdir -p file; exit", "mkdir -p file/below; exit", "mkdir -p ''; exit",
    "ls nowhere", "sleep 0; echo slept",
]


def place(folder):
    """What the scripts above find."""
    folder.mkdir()
    folder.chmod(0o777)
    for name in ("folder/inside", "hidden/.inside", "file"):
        harness.write(folder / name, b"x")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("folder")
    # For `[ -f link/file ]`.
    harness.write(folder / "folder/file", b"x")
    return folder


def left(folder):
    """Names, kinds and targets of what is there."""
    return sorted((str(p.relative_to(folder)),
                   os.readlink(p) if p.is_symlink() else p.is_dir())
                  for p in folder.rglob("*"))


@pytest.mark.parametrize("script", UNDERSTOOD)
def test_does_what_a_shell_does(script, sh, tmp_path):
    ours, theirs = place(tmp_path / "ours"), place(tmp_path / "theirs")
    status, out, err = sh(script, cwd=ours)
    end = subprocess.run(["/bin/sh", "-c", script], cwd=theirs, text=True,
                         capture_output=True)
    # Here the order is the kernel's; what a failure of ls is called is its own.
    assert sorted(out.splitlines()) == sorted(end.stdout.splitlines())
    if script == "ls nowhere":
        assert status and end.returncode
    else:
        assert status == end.returncode
    assert bool(err) == bool(end.stderr), (err, end.stderr)
    assert left(ours) == left(theirs)


def test_its_number_is_its_process(sh):
    process = subprocess.Popen([str(sh.program), "-c", "echo $$ \"$$\" a$$b"],
                               stdout=subprocess.PIPE, text=True)
    out, _ = process.communicate(timeout=60)
    assert out == "{0} {0} a{0}b\n".format(process.pid)


def test_a_link_is_never_followed_when_it_is_replaced(sh, tmp_path):
    """Unlike elsewhere: a sidecar's old link may lead into a process."""
    (tmp_path / "old").mkdir()
    (tmp_path / "models").symlink_to("old")
    assert sh("ln -sf /proc/7/root/models models", cwd=tmp_path) == (0, "", "")
    assert os.readlink(tmp_path / "models") == "/proc/7/root/models"
    assert list((tmp_path / "old").iterdir()) == []


@pytest.mark.parametrize("release", kserve_scripts.KSERVE)
@pytest.mark.parametrize("there", [True, False])
def test_kserve_s_scripts_in_a_folder(release, there, sh, tmp_path):
    models, mnt = tmp_path / "models", tmp_path / "mnt"
    mnt.mkdir()
    if there:
        harness.write(models / "model.bin", b"weights")
    script = kserve_scripts.prefetch(release)
    status, out, err = sh(script.replace("/models", str(models)))
    assert (status, err) == (0 if there else 1, "")
    assert out.splitlines()[1].startswith("OK ..." if there else "NOK ...")
    script = kserve_scripts.sidecar(release).replace("/mnt", str(mnt))
    process = subprocess.Popen([str(sh.program), "-c", script])
    while not (mnt / "models").is_symlink():
        assert process.poll() is None
        time.sleep(0.01)
    assert os.readlink(mnt / "models") == f"/proc/{process.pid}/root/models"
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_at_once_when_told(number, sh):
    for script in ("echo a; sleep infinity; echo b", "echo a; sleep 60",
                   "echo a; while [ x ]; do sleep 0; done"):
        process = subprocess.Popen([str(sh.program), "-c", script],
                                   stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"a\n"
        start = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 128 + number
        assert time.monotonic() - start < 1
        assert process.stdout.read() == b""
        process.stdout.close()


def test_sleeps_as_long_as_it_should(sh):
    start = time.monotonic()
    assert sh("sleep 1")[0] == 0
    assert 1 <= time.monotonic() - start < 10


def test_says_what_the_kernel_refuses(sh, tmp_path):
    (tmp_path / "file").touch()
    for script, words in (
            ("mkdir -p file/x", "mkdir: 'file': File exists\n"),
            ("ln -s x file", "ln: 'file': File exists\n"),
            ("ln -s x no/where", "ln: 'no/where': No such file or directory\n"),
            ("ls file", "ls: 'file': Not a directory\n"),
            ("ls -A nowhere", "ls: 'nowhere': No such file or directory\n")):
        assert sh(script, cwd=tmp_path) == (1, "", words)


def test_output_that_cannot_be_written_is_a_failure(sh):
    with open("/dev/full", "wb") as full:
        end = subprocess.run([str(sh.program), "-c", "echo a"], stdout=full)
    assert end.returncode == 1


# -- what it refuses ---------------------------------------------------------


@pytest.mark.parametrize("script, word", [
    ("curl http://example", "curl"), ("A=b echo", "A=b"), ("{ echo; }", "{"),
    ("! echo", "!"), ("echo a | cat", "|"), ("echo a & echo", "&"),
    ("echo a > b", ">"), ("echo < b", "<"), ("(echo) 2>b", None),
    ("echo $HOME", "$HOME"), ("echo ${HOME}", "${HOME}"), ("echo $1", "$1"),
    ("echo \"$HOME/x\"", "$HOME/x"), ("echo $(ls)", "$(ls"),
    ("echo \"$((1))\"", "$("), ("echo `ls`", "`"), ("echo \"`ls`\"", "`"),
    ("echo *", "*"), ("echo a?", "?"), ("echo [a]", "["), ("echo ~", "~"),
    ("echo # no", "#"), ("echo -n a", "-n"),
    ("echo 'a\\nb'", "a\\nb"), ("case a in", "case"),
    ("for i in a; do echo; done", "for"), ("f() { echo; }", "("),
    ("ln a b", "ln"), ("ln -sv a b", "-sv"), ("mkdir a", "mkdir"),
    ("mkdir -m 7 a", "-m"), ("ls -l .", "-l"), ("[ a = b ]", "="),
    ("[ -x a ]", "-x"), ("sleep 1m", "1m"), ("sleep -1", "-1"),
    ("[ '' ] && rm -rf /", "rm"), ("if [ '' ]; then sh; fi", "sh"),
])
def test_refuses_what_it_does_not_know_by_name(script, word, sh, tmp_path):
    status, out, err = sh(script, cwd=tmp_path)
    if word is None:
        assert status == 2
        return
    assert (status, out) == (127, "")
    assert err == (f"sh: '{word}' is not known here: this is not a shell, it "
                   "runs what KServe's modelcars need\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("script", [
    "'", "\"", "echo 'a", "echo \"a", "echo \"$(echo", "echo \"$(echo a)",
    "echo \\", "(", "(echo", ")", "echo)", "()", "( )", "echo; )", "&&",
    "echo &&", "echo ||", "echo && && echo", ";", "echo;;echo", "; echo",
    "if", "if echo", "if echo; then", "if echo; then echo", "fi", "then",
    "if echo; fi", "if echo; then fi", "if echo; then echo; else fi",
    "if echo; then echo; fi fi", "if echo; then echo; fi echo", "else", "do",
    "until", "until echo; do", "while echo; done", "while echo; do echo",
    "done", "(echo) echo", "\"$()\"", "[", "[ a", "exit a", "exit 256",
    "exit 1 2", "exit 99999999999999999999", "ln -s a", "ls", "sleep",
    "mkdir -p", "(" * 17 + "echo" + ")" * 17, "\"$(" * 40, "if " * 1000,
    "echo " + "a " * 64, "(" * 60000, "\"$(echo " * 9000,
])
def test_mistakes_of_grammar_have_a_status_of_their_own(script, sh, tmp_path):
    status, out, err = sh(script, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert re.fullmatch("sh: syntax: [^\n]+\n", err)


@pytest.mark.parametrize("words", [[], ["-c"], ["-e", "echo"], ["script"],
                                   ["-"], ["-i"], ["--version"]])
def test_says_what_it_is_when_it_is_no_script(words, sh):
    end = subprocess.run([str(sh.program), *words], capture_output=True,
                         stdin=subprocess.DEVNULL, text=True, timeout=60)
    assert (end.returncode, end.stdout) == (2, "")
    assert "this is not a shell" in end.stderr


def test_nothing_is_done_of_a_script_that_has_a_mistake(sh, tmp_path):
    for rest in ("echo 'a", "nothing", "fi", "(echo", "echo | echo"):
        status, out, _ = sh(f"mkdir -p made; echo a; {rest}", cwd=tmp_path)
        assert status in (2, 127) and out == ""
    assert list(tmp_path.iterdir()) == []


def test_words_of_a_script_cannot_drive_a_terminal(sh):
    status, out, err = sh("'\x1b[2J\x07\n\x9b\u202e'")
    assert (status, out) == (127, "")
    assert err.startswith("sh: '?[2J??") and err.isascii()
    assert err.endswith("\n") and err.count("\n") == 1
    _, _, err = sh("a" * 1000)
    assert err.startswith("sh: '" + "a" * 64 + "...' is not known")


# -- too much ----------------------------------------------------------------


@pytest.mark.parametrize("script, status", [
    ("echo '" + "a" * MIB + "'", 0), ("echo '" + "a" * MIB, 2),
    ("echo " + "a " * MIB, 2), ("echo '" + "a" * 5 * MIB + "'", 2),
    ("echo;" * (MIB // 5), 0), ("echo;" * (MIB // 5) + ")", 2),
    ("(" * MIB, 2), ("\"$(" * MIB, 2), ("if " * MIB, 2), ("&&" * MIB, 2),
    ("[ " * MIB, 2), ("\\\n" * MIB, 0), ("\\" * MIB, 127), ("$" * MIB, 127),
    ("echo \"$(echo '" + "a" * 3 * MIB + "')\"", 0), ("\n" * MIB + "exit 9", 9),
    ("echo \"$(" + "echo '" + "a" * MIB + "';" + "echo a)\"", 0),
], ids=range(17))
def test_large_scripts_end(script, status):
    start = time.monotonic()
    done_status, _, err = from_stdin(script)
    assert done_status == status, err
    assert time.monotonic() - start < 30


def test_more_output_than_a_substitution_holds_is_told():
    many = "echo '" + "a" * 4000 + "';"
    status, out, err = from_stdin(f"[ \"$({many * 1100})\" ] || echo none")
    assert (status, out) == (1, "")
    assert err == "sh: more output than \"$( )\" can hold\n"


PIECES = ["(", ")", "\"", "'", "$(", "$$", "&&", "||", ";", "\n", " ", "if ",
          "then ", "fi ", "elif ", "else ", "echo ", "[ ", " ]", "exit ", "\\",
          "$", "\u00e9", "ls -A folder", "\x01", "\x7f", "&", "|", "do ",
          "done "]


def changed(rng, script):
    for _ in range(rng.randint(1, 6)):
        at = rng.randint(0, len(script))
        end = min(len(script), at + rng.randint(1, 12))
        script = rng.choice([
            script[:at] + script[end:],
            script[:at] + rng.choice(PIECES) + script[at:],
            script[:at] + script[at:end] * 2 + script[end:],
            script[:at] + chr(rng.randint(1, 126)) + script[at + 1:]])
    return script


@pytest.fixture
def open_folder():
    """Unlike pytest's own, one that other users may enter."""
    with tempfile.TemporaryDirectory(prefix="mreg-sh-") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


def test_scripts_changed_at_random_do_what_a_shell_does_or_are_refused(
        open_folder):
    """150 of them; with sanitizers where the build has them.  No seed holds a
    command that writes or waits, and nobody runs them."""
    folder = place(open_folder / "here")
    folder.chmod(0o755)
    program = open_folder / "stand_in"
    shutil.copy2(built(), program)
    seeds = [kserve_scripts.prefetch("0.20.0").replace("/models", "folder"),
             "if [ -d nowhere ]; then echo a; elif [ -f file ]; then echo b; "
             "else echo c; fi; exit 3",
             "(echo \"x$(echo 'a  b'; (exit 2))y\" 'it'\\''s') && exit 4"]
    rng = random.Random(17)
    agreed = 0
    for _ in range(150):
        script = changed(rng, rng.choice(seeds))
        status, out, err = done(program, script, cwd=folder, timeout=10,
                                **NOBODY)
        assert status in range(0, 256) and status != 99, (script, err)
        assert "runtime error" not in err and "Sanitizer" not in err, err
        if status in (2, 127):
            continue
        end = subprocess.run(["/bin/sh", "-c", script], cwd=folder, timeout=10,
                             capture_output=True, **NOBODY)
        number = re.compile(r"\d+")  # of processes
        assert number.sub("N", out) == number.sub("N", end.stdout.decode()), \
            script
        assert (status, bool(err)) == (end.returncode, bool(end.stderr)), script
        agreed += 1
    assert agreed >= 10


# -- its bytes ---------------------------------------------------------------


def test_the_committed_programs_are_what_their_source_makes(tmp_path):
    for tool in ("clang-14", "ld.lld-14"):
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}, which makes the same bytes: "
                        "./scripts/deps test installs it on Debian 12")
    subprocess.run(["scripts/build-shell", str(tmp_path)], cwd=harness.ROOT,
                   check=True)
    for name in ("sh.amd64", "sh.arm64"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), \
            f"{name}: run scripts/build-shell; digests of images change"
