"""The pictures of the documentation's site: those that its pages show are drawn, and not again without need."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

DOCS = pathlib.Path(__file__).parent.parent / "docs"
if not DOCS.exists():
    pytest.skip("the documentation is not beside the tests", allow_module_level=True)
pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    draw(folder)
    return folder


def draw(folder):
    subprocess.run([sys.executable, DOCS / "pictures.py", "--output", folder], check=True, capture_output=True)


def test_pictures_are_those_that_the_pages_show(drawn):
    shown = {
        name
        for page in DOCS.glob("*.rst")
        for name in re.findall(r"^\.\. picture:: (\w+)$", page.read_text("utf-8"), re.M)
    }
    for theme in ("light", "dark"):
        assert {path.stem for path in (drawn / theme).glob("*.png")} == shown


def test_every_picture_says_what_it_shows():
    for page in DOCS.glob("*.rst"):
        text = page.read_text("utf-8")
        described = re.findall(r"^\.\. picture:: \w+\n   :alt: .{30}", text, re.MULTILINE)
        assert len(described) == text.count(".. picture::")


def test_pictures_have_the_colours_of_their_page(drawn):
    from PIL import Image

    for theme, background in {"light": (255, 255, 255), "dark": (19, 20, 22)}.items():
        for path in (drawn / theme).glob("*.png"):
            assert Image.open(path).convert("RGB").getpixel((0, 0)) == background, path.name


def test_pictures_are_drawn_again_where_they_are_out_of_date(drawn):
    speed, training = (drawn / "dark" / name for name in ("speed.png", "training.png"))
    made = training.stat().st_mtime_ns
    os.utime(speed, (0, 0))
    draw(drawn)
    assert speed.stat().st_mtime > 0
    assert training.stat().st_mtime_ns == made
