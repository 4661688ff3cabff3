"""test_documents.py - README.md shows what mreg prints, and the documents lead
where they say."""
import pathlib
import re
import shlex

import pytest

import harness
import weight_files

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    p for p in [*ROOT.glob("*.md"), *ROOT.glob("spec/**/*.md"),
                *ROOT.glob("src/*.md"), *ROOT.glob("tests/**/*.md")]
    if "build" not in p.relative_to(ROOT).parts)
README = (ROOT / "README.md").read_text(encoding="utf-8")
CARD = """\
---
license: apache-2.0
language: en
datasets: [s2orc]
---

# Churn

Who is going to leave.
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def commands():
    """(words, lines that are shown) of every command of the README whose
    output stands below it."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            line, _, shown = part.partition("\n")
            yield shlex.split(line), shown.rstrip("\n").split("\n")


@pytest.fixture
def folder(tmp_path):
    """Files that tell as much as those of the README's example do."""
    place = tmp_path / "churn"
    harness.write(place / "README.md", CARD)
    harness.write(place / "config.json", '{"model_type": "bert"}\n')
    harness.write(place / "model.safetensors", weight_files.safetensors(
        {"embeddings.position_ids": ("I64", [1, 512]),
         "embeddings.LayerNorm.bias": ("F32", [384]),
         "embeddings.LayerNorm.weight": ("F32", [384, 8])},
        {"format": "pt"}))
    for name, policy in zip(("policy", "gates"), blocks("yaml"), strict=True):
        harness.write(tmp_path / f"{name}.yaml", policy)
    return tmp_path


def even(line):
    """Without what depends on the size of the model."""
    line = re.sub(r"sha256:[0-9a-f]+(\.\.\.)?", "DIGEST", line)
    line = re.sub(r"\b[0-9]+(\.[0-9])? ([KMG]i)?B\b", "SIZE", line)
    line = re.sub(r"\b2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", "WHEN",
                  line.rstrip())
    return re.sub(r"\b[0-9]+ (?:files|layers)\b|(?<=parameters {5})[0-9]+|"
                  r"(?<=tensors {8})[0-9]+", "N", line)


def same(shown, printed):
    """`...` alone stands for any lines, at the end of one for the rest of
    it."""
    pattern = ""
    for line in map(even, shown):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*"
        elif line.endswith("..."):
            pattern += re.escape(line[:-3]) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    text = "".join(even(line) + "\n" for line in printed)
    return re.fullmatch(pattern, text)


def test_the_readme_shows_what_mreg_prints(mreg, folder):
    seen = 0
    for words, shown in commands():
        assert words[0] == "mreg"
        local = [w.replace("/models/", f"{folder}/models/")
                 for w in words[1:]]
        r = mreg.run(*local, "--no-progress", status=None, cwd=folder,
                     env={"MREG_ACTOR": "ada"})
        text = (r.stdout + r.stderr).replace(f"{folder}/models/", "/models/")
        printed = text.rstrip("\n").split("\n")
        assert same(shown, printed), f"{words}\n{text}"
        seen += 1
    assert seen >= 5


def test_a_line_that_differs_is_seen():
    assert same(["a", "...", "b 1 KiB"], ["a", "x", "y", "b 2.0 MiB"])
    assert same(["sha256:170c...", "hint: do"],
                ["sha256:" + "1" * 64, "hint: do"])
    assert same(["hint: do ..."], ["hint: do that"])
    assert not same(["a"], ["a", "b"])
    assert not same(["read from files: license"], ["read from files: tags"])


def test_lines_of_the_readme_end_within_120_columns():
    assert [line for line in README.split("\n") if len(line) > 120] == []


def rows(title):
    """First cells of the table below a heading of the README."""
    part = README.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [line.replace(r"\|", "/").split("|")[1].strip()
            for line in part.split("\n") if line.startswith("| `")]


def test_the_readme_has_every_command(mreg):
    listed = {re.split(r"[ /]", words)[0] for row in rows("Commands")
              for words in re.findall(r"`([^`]*)`", row)}
    text = mreg.run("--help").stdout
    assert listed == set(re.findall(r"^  ([a-z-]+) ", text, re.M))
    assert len(listed) > 10


# -- links -----------------------------------------------------------------------


def headings(path):
    """What opens a part: a heading, or bold words at the start of a line."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"),
                  flags=re.M | re.S)
    return re.findall(r"^#+ (.*)$", text, re.M) + \
        re.findall(r"^\*\*([^*]+)\*\*", text, re.M)


def anchor(heading):
    """As web pages of repositories make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS,
                         ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    lost = []
    for target, named in re.findall(
            r"\]\(([^)\s]+)\)(?:, \*([^*]+)\*)?", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, part = target.partition("#")
        place = path.parent / name if name else path
        if not place.exists():
            lost.append(target)
        elif part and part not in map(anchor, headings(place)):
            lost.append(target)
        elif named and place.suffix == ".md" and not any(
                h.lower().startswith(" ".join(named.lower().split()))
                for h in headings(place)):
            lost.append(f"{target}, *{named}*")
    assert lost == []


def test_every_page_of_the_format_is_listed():
    index = (ROOT / "spec/README.md").read_text(encoding="utf-8")
    for path in (ROOT / "spec").iterdir():
        assert f"]({path.name})" in index or path.name == "README.md", path
