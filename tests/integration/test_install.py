"""test_install.py - `make install` puts a program, a library, headers and a
pkg-config file in place that others can build with."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

CLIENT = r"""
#include <mreg/json.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	struct mreg_opts o = MREG_OPTS_INIT;
	struct mreg_error err = MREG_ERROR_INIT;
	struct mreg_models_result r;
	struct mreg *m;
	char *text;

	if (mreg_open(&o, &m, &err) < 0 || mreg_models(m, NULL, &r, &err) < 0)
		return mreg_code_exit(err.code);
	text = mreg_models_result_json(&r);
	puts(text);
	free(text);
	mreg_models_result_release(&r);
	mreg_close(m);
	return 0;
}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    top = tmp_path_factory.mktemp("install")
    subprocess.run(["make", "-s", "install", "BUILD=debug", "PREFIX=/opt/mreg",
                    f"DESTDIR={top}"], cwd=ROOT, check=True)
    return top


@pytest.fixture
def environment(installed, tmp_path):
    return {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path),
        "MREG_STORE": str(tmp_path / "store"),
        "PKG_CONFIG_SYSROOT_DIR": str(installed),
        "PKG_CONFIG_PATH": str(installed / "opt/mreg/lib/pkgconfig"),
        "LD_LIBRARY_PATH": str(installed / "opt/mreg/lib"),
    }


def test_a_c_program_builds_with_pkg_config_and_runs(environment, tmp_path):
    source = tmp_path / "client.c"
    source.write_text(CLIENT)
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "mreg"], env=environment,
        check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["gcc", "-Wall", "-Werror", source, *flags, "-o",
                    tmp_path / "client"], env=environment, check=True)
    out = subprocess.run([tmp_path / "client"], env=environment, check=True,
                         capture_output=True, text=True).stdout
    assert json.loads(out) == {"schema": "mreg.models/1", "models": [],
                               "where": f"oci:{tmp_path}/store",
                               "index": None}


def test_every_public_header_is_c_plus_plus_too(installed, environment):
    include = installed / "opt/mreg/include"
    headers = sorted(include.glob("mreg/*.h"))
    assert len(headers) == len(list((ROOT / "include/mreg").glob("*.h"))) > 5
    for header in headers:
        subprocess.run(["g++", "-fsyntax-only", "-Wall", "-Werror", "-x", "c++",
                        "-I", include, header], env=environment, check=True)


def test_program_man_page_and_completions_are_there(installed, environment):
    top = installed / "opt/mreg"
    said = subprocess.run([top / "bin/mreg", "version"], env=environment,
                          check=True, capture_output=True, text=True).stdout
    assert said.startswith("mreg ")
    assert (top / "share/man/man1/mreg.1").read_text().startswith(".")
    for name in ("bash-completion/completions/mreg", "zsh/site-functions/_mreg",
                 "fish/vendor_completions.d/mreg.fish"):
        assert (top / "share" / name).stat().st_size > 500


def test_what_help_calls_spec_is_there(installed):
    there = installed / "opt/mreg/share/doc/mreg/spec"
    for path in (ROOT / "spec").rglob("*.*"):
        assert (there / path.relative_to(ROOT / "spec")).read_bytes() == \
            path.read_bytes()
    assert (there / "templates/policy.yaml").exists()


def test_uninstall_leaves_no_file(installed):
    subprocess.run(["make", "-s", "uninstall", "BUILD=debug",
                    "PREFIX=/opt/mreg", f"DESTDIR={installed}"], cwd=ROOT,
                   check=True)
    assert [p for p in installed.rglob("*") if not p.is_dir()] == []
