"""test_image_hostile.py - mreg image among images that others made, or changed."""
import pytest

import harness
from test_image_base import Base


@pytest.fixture
def files(tmp_path):
    return harness.small_model(tmp_path / "files", 3)


@pytest.mark.parametrize("extra", [
    {"architecture": "amd64\u001b[2J"}, {"variant": "v8 or so"},
    {"os": "linux\n"}, {"variant": "v" * 33}])
def test_a_platform_is_words(mreg, files, store, extra):
    Base(store / "odd", extra=extra)
    mreg.json("push", files, "churn")
    # One of its children has its own variant, in the index.
    mreg.fails(9, "image", "churn", "--base", "odd:1", "--platform",
               "linux/amd64")
