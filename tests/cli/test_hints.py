"""test_hints.py - what mreg advises fits what was done: files that the user
wrote, names that are no model, documents that cannot be attached."""
import pytest

from harness import write

SPEC_EVALUATION = "spec/evaluation.md tells how an evaluation is written"
SPEC_POLICY = "spec/policy.md tells how a policy is written"


@pytest.fixture
def here(mreg, tmp_path):
    """A folder to be in, with a model m that is pushed."""
    write(tmp_path / "m/w.bin", b"weights")
    mreg.run("push", tmp_path / "m", "m")
    return tmp_path


FILES = [
    ("evaluate m --from", "{", "'given' is no valid JSON", SPEC_EVALUATION),
    ("evaluate m --from", "suite: s\npassed: maybe\n",
     "'passed' must be true or false", SPEC_EVALUATION),
    ("evaluate m --from", "suite: s\nverdict: passed\n",
     "unknown key 'verdict'", "write 'passed: true' or 'passed: false'"),
    ("evaluate m --from", "suit: s\n", "unknown key 'suit'",
     "did you mean 'suite'?"),
    ("policy set m", "{", "'given' is no valid JSON", SPEC_POLICY),
    ("policy set m", "", "policy 'given' is no map of rules", SPEC_POLICY),
    ("policy set m", "policy: 1\nmetrics: 1\n", "'metrics' is no map",
     SPEC_POLICY),
    ("push m m --policy", "policy: [\n", "in 'given', line", SPEC_POLICY),
    ("policy set m", "policy: 1\nkinds: modell\n", "unknown kind 'modell'",
     "did you mean 'model'?"),
    ("policy set m", "policy: 1\nsuites: {x: pass}\n", "is not 'passed'",
     "write 'passed'"),
    ("push m m --metadata", "license: [\n", "in 'given', line",
     "spec/metadata.md tells how it is written"),
]


@pytest.mark.parametrize("words, text, says, advises", FILES)
def test_a_file_of_ones_own_is_ones_own_to_mend(mreg, here, words, text, says,
                                                advises):
    write(here / "given", text)
    r = mreg.run(*words.split(), "given", cwd=here, status=1)
    error, hint = r.stderr.splitlines()
    assert says in error and advises in hint
    assert "who made it" not in hint


WORDS = [
    ("policy bogus", 2, "'mreg policy --help' lists its commands"),
    ("policy shwo m", 2, "did you mean 'mreg policy show'?"),
    ("bogus", 2, "'mreg --help' lists the commands"),
    ("check m/w.bin m", 2, "name the directory that holds the files"),
    ("attach m /dev/null -t sbom", 2, "a document is a regular file"),
    ("attach m - -t sbom", 3, "write standard input to one"),
    ("policy set m -", 3, "for standard input write /dev/stdin"),
    ("push m m --metadata -", 3, "for standard input write /dev/stdin"),
    ("push - m", 3, "check the spelling of the path"),
    ("push m m --policy a'-'b", 3, "check the spelling of the path"),
    ("evaluate m --from -", 3, "for standard input write /dev/stdin"),
    ("policy set m nowhere", 3, "check the spelling of the path"),
]


@pytest.mark.parametrize("words, status, advises", WORDS)
def test_advice_fits_the_command(mreg, here, words, status, advises):
    r = mreg.run(*words.split(), cwd=here, status=status)
    assert advises in r.stderr.splitlines()[-1]


def test_standard_input_has_a_name(mreg, here):
    mreg.run("policy", "set", "m", "/dev/stdin", input="policy: 1\n")
    r = mreg.run("evaluate", "m", "--from", "/dev/stdin", "--json",
                 input="suite: s\npassed: true\n")
    assert r.json["passed"]


@pytest.mark.parametrize("title", ["a\x1b[2J", "a\nb", "x" * 1025])
def test_a_title_is_one_line(mreg, here, title):
    write(here / "a.md", "# A\n")
    error = mreg.fails(2, "attach", "m", here / "a.md", "-t", "model-card",
                       "--title", title)
    assert error["hint"] == \
        "a title is one line of plain text, at most 1024 bytes"


def test_a_name_with_control_characters_is_no_document(mreg, here):
    write(here / "a\nb.md", "# A\n")
    error = mreg.fails(2, "attach", "m", here / "a\nb.md", "-t", "model-card")
    assert "name is plain text" in error["hint"]


def test_what_holds_a_policy_says_so(mreg, here):
    write(here / "p.yaml", "policy: 1\n")
    mreg.run("policy", "set", "mreg-policy", here / "p.yaml")
    error = mreg.fails(3, "inspect", "mreg-policy")
    assert "mreg policy show mreg-policy" in error["hint"]


def test_options_are_not_torn_apart(mreg):
    """The letter of an option and its name, in the footer of each help."""
    for words in (("push",), ("policy", "check"), ("diff",)):
        lines = mreg.run(*words, "--help").stdout.splitlines()
        assert any("-V --version" in line for line in lines)
        assert all(len(line) <= 80 for line in lines)
