"""test_man.py - the page mreg(1): it names every variable that settings and
the library read, and is roff that groff takes."""
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Debug builds alone read it.
NOT_FOR_USERS = {"MREG_FAIL_ALLOC"}


@pytest.fixture
def page(mreg):
    return mreg.run("completion", "man").stdout


def section(page, title):
    """Its text, as a reader would see it."""
    text = page.split(f'.SH "{title}"' if " " in title else f".SH {title}")[1]
    text = text.split("\n.SH ")[0].replace("\\-", "-")
    return re.sub(r"\\f[A-Z]", "", text)


def test_every_setting_has_its_variable(mreg, page):
    variables = section(page, "ENVIRONMENT")
    read = {v for p in (ROOT / "src").rglob("*.c") if p.name != "man.c"
            for v in re.findall(r'"(MREG_[A-Z_]+)"', p.read_text())}
    assert {"MREG_REGISTRY", "MREG_CERTS_D", "MREG_LIMIT_RATE"} <= read
    for name in read - NOT_FOR_USERS:
        assert re.search(rf"\b{name}\b", variables), name


def test_it_names_none_that_nobody_reads(page):
    """A word for each in quotes, somewhere in the source."""
    source = "".join(p.read_text() for p in (ROOT / "src").rglob("*.c")
                     if p.name != "man.c")
    for name in re.findall(r"\bMREG_[A-Z_]+\b", section(page, "ENVIRONMENT")):
        assert f'"{name}"' in source, name


@pytest.mark.skipif(not shutil.which("groff"), reason="no groff here")
def test_groff_has_nothing_to_say(page):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww"], input=page,
                          capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    # Bold is a letter over itself.
    assert "MREG_CERTS_D" in re.sub(".\b", "", done.stdout)
