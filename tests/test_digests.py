"""What a seed gives, to the bit, on every SIMD target: the digests of digests.json, and how they may be changed."""

import re

import pytest

import digests
import gumbel_fast

HOW = """\
A seed gives other numbers than the table says. Where that is meant, raise GF_STREAM_VERSION in src/gumbel_fast.h and
run `python tests/digests.py --write`. Where no release has this stream version yet, --write --unreleased is enough."""


@pytest.mark.parametrize("name", digests.CALLS)
def test_bits_are_those_of_the_table(name, target):
    """Of every target; those of other machines are compared by .ci/bits, kernel by kernel."""
    table = digests.read_table()
    version = str(gumbel_fast.STREAM_VERSION)
    assert version in table, f"no digests of stream version {version}: python tests/digests.py --write"
    assert digests.digest(digests.CALLS[name]()) == table[version]["calls"][name], HOW


def test_the_table_is_whole():
    """Every stream version, and every call of this one, and no other; digests are of 256 bits."""
    table = digests.read_table()
    assert list(table) == [str(version) for version in range(1, gumbel_fast.STREAM_VERSION + 1)]
    assert table[str(gumbel_fast.STREAM_VERSION)]["calls"].keys() == digests.CALLS.keys()
    for entry in table.values():
        found = [*entry["calls"].values(), *entry["kernels"].values()]
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found)
        assert len(entry["kernels"]) > 40


@pytest.fixture
def a_table(tmp_path, monkeypatch):
    """A table and a changelog to write to; the digests are those of two small calls."""
    monkeypatch.setattr(digests, "TABLE", tmp_path / "digests.json")
    monkeypatch.setattr(digests, "ROOT", tmp_path)
    monkeypatch.setattr(digests, "CALLS", {"f64 gumbel": lambda: [gumbel_fast.gumbel(size=9, rng=1)]})
    monkeypatch.setattr(digests, "of_kernels", dict)
    (tmp_path / "CHANGELOG.md").write_text(f"## [{gumbel_fast.__version__}] - unreleased\n")
    assert digests.write(again=False) is None
    return tmp_path


def test_a_digest_may_be_replaced_only_before_the_release(a_table, monkeypatch):
    before = digests.TABLE.read_text()
    assert digests.write(again=False) is None  # nothing differs
    assert digests.differences(digests.of_calls(), digests.current()["calls"]) == []
    monkeypatch.setattr(digests, "CALLS", {"f64 gumbel": lambda: [gumbel_fast.gumbel(size=9, rng=2)]})
    assert digests.differences(digests.of_calls(), digests.current()["calls"]) == ["f64 gumbel"]
    assert "--unreleased" in digests.write(again=False)
    assert digests.TABLE.read_text() == before
    (a_table / "CHANGELOG.md").write_text(f"## [{gumbel_fast.__version__}] - 2027-01-01\n")
    assert "higher STREAM_VERSION" in digests.write(again=True)
    assert digests.TABLE.read_text() == before
    (a_table / "CHANGELOG.md").write_text(f"## [{gumbel_fast.__version__}] - unreleased\n")
    assert digests.write(again=True) is None
    assert digests.TABLE.read_text() != before


def test_a_higher_stream_version_has_digests_of_its_own(a_table, monkeypatch):
    """Whatever is released: those of the version before stay as they are."""
    old = digests.current()
    (a_table / "CHANGELOG.md").write_text(f"## [{gumbel_fast.__version__}] - 2027-01-01\n")
    monkeypatch.setattr(gumbel_fast, "STREAM_VERSION", gumbel_fast.STREAM_VERSION + 1)
    monkeypatch.setattr(digests, "CALLS", {"f64 gumbel": lambda: [gumbel_fast.gumbel(size=9, rng=2)]})
    assert digests.write(again=False) is None
    assert old in digests.read_table().values()
    assert digests.current() != old
