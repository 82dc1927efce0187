"""Draw the pictures of the site, light and dark: what examples/article.py draws, and bench's picture of speed.

    python docs/pictures.py

conf.py runs this when pages are built. What is not older than all it is drawn from stays.
"""

import argparse
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
RECORD = ROOT / "bench" / "results" / "avx512.json"
BACKGROUNDS = {"light": "#ffffff", "dark": "#131416"}  # furo's


def draw_article(folder: Path, theme: str) -> None:
    """Draw the figures of the tutorial."""
    import article

    article.main(["--output", str(folder), "--theme", theme])


def draw_speed(folder: Path, theme: str) -> None:
    """Draw how long others take."""
    from reporting import charts, record

    colors = dataclasses.replace(charts.THEMES[theme], background=BACKGROUNDS[theme])
    charts.save_speed(folder / "speed.png", record.read(RECORD).outcomes, colors)


#: What draws, the last of the pictures that it draws, and what it draws them from.
DRAWN: list[tuple[Callable[[Path, str], None], str, list[Path]]] = [
    (draw_article, "training.png", [ROOT / "examples" / "article.py"]),
    (draw_speed, "speed.png", [RECORD, *(ROOT / "bench" / "reporting").glob("*.py")]),
]


def main() -> None:
    """Draw what is missing or out of date."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the site where they are out of date.")
    parser.add_argument("--output", type=Path, default=DOCS / "generated", help="the folder (%(default)s)")
    output = parser.parse_args().output
    sys.path[:0] = [str(ROOT / "examples"), str(ROOT / "bench")]
    for theme in BACKGROUNDS:
        for draw, last, sources in DRAWN:
            folder = output / theme
            changed = max(source.stat().st_mtime for source in [Path(__file__), *sources])
            if not (folder / last).exists() or (folder / last).stat().st_mtime < changed:
                folder.mkdir(parents=True, exist_ok=True)
                draw(folder, theme)


if __name__ == "__main__":
    main()
