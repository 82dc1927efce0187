"""README's table of what to write in place of other libraries' calls: each pair of expressions, run as it stands there.

A replacement gives what the other gives, in shape and kind, and draws by the law that it stands for.
"""

import pathlib
import re

import numpy as np
import pytest
from scipy import stats

import gumbel_fast as gf
import statistical

README = pathlib.Path(__file__).parent.parent / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="README is not beside the tests")

X = np.array([0.3, -1.0, 2.0, 0.0, 1.1, -0.4, 0.8, -2.0])


def rows():
    """The two cells of each line of the table, without what is said beside the code."""
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    _, _, table = text.partition("| you write | write this instead |\n")
    for line in table.partition("\n\n")[0].splitlines()[1:]:
        write, instead = line.strip("| ").split(" | ")
        (code,) = re.findall(r"^`(.*?)`", instead)
        yield re.findall(r"^`(.*)`$", write), code


ROWS = {code: other[0] if other else None for other, code in rows()}


@pytest.fixture
def names(request):
    """What the expressions are of."""
    code = request.node.callspec.params["code"]
    names = {"np": np, "gf": gf, "rng": np.random.default_rng(5), "n": len(X), "k": 3, "T": 0.7, "q": 0.99}
    names |= {"x": X, "w": 7 * np.exp(X), "softmax": gf.softmax}
    if "torch" in code:
        torch = pytest.importorskip("torch", reason="torch is not installed")
        import gumbel_fast.torch

        torch.manual_seed(5)
        names |= {"torch": torch, "F": torch.nn.functional, "gumbel_fast": gumbel_fast, "x": torch.from_numpy(X)}
    if "scipy" in (ROWS[code] or ""):
        import scipy.stats

        names["scipy"] = scipy
    np.random.seed(5)  # noqa: NPY002 - of the call that is replaced
    return names


def test_all_rows_are_found():
    assert len(ROWS) == 10
    assert [code for code, other in ROWS.items() if other is None] == [code for code in ROWS if "top_k" in code]


@pytest.mark.parametrize("code", [code for code, other in ROWS.items() if other])
def test_gives_the_same_kind_of_result(code, names):
    new, other = eval(code, names), eval(ROWS[code], names)
    if type(other).__name__ == "Categorical":
        assert isinstance(new, type(other))
        new, other = new.sample(), other.sample()
    assert np.shape(new) == np.shape(other)
    assert np.asarray(new).dtype.kind == np.asarray(other).dtype.kind
    if "ppf" in code:
        np.testing.assert_allclose(new, other, rtol=1e-12)


def chain(filter_temperature):
    """The law of llama.cpp's chain, which filters at temperature 1 and draws at 0.8."""
    filters = {"top_k": 40, "top_p": 0.95, "min_p": 0.05}
    return statistical.softmax(gf.truncate(X, temperature=filter_temperature, **filters), 0.8)


@pytest.mark.parametrize("code", [code for code in ROWS if "ppf" not in code and "gf.gumbel(" not in code])
def test_draws_by_the_law(code, names):
    """The first draw of each of 4,000 calls, against the temperature that is not the row's and filters out of order."""
    compiled = compile(code, "README.md", "eval")
    drawn = [eval(compiled, names) for _ in range(4_000)]
    if "Categorical" in code:
        drawn = [each.sample() for each in drawn]
    drawn = np.asarray([np.asarray(each) for each in drawn])
    if "softmax(" in code:
        drawn = drawn.argmax(axis=-1)
    first = drawn.reshape(len(drawn), -1)[:, 0]
    at_1, at_07 = statistical.softmax(X), statistical.softmax(X, 0.7)
    if "top_k" in code:
        law, against = chain(1.0), {"filters after the temperature": chain(0.8)}
    elif "temperature=T" in code:
        law, against = at_07, {"temperature 1": at_1}
    else:
        law, against = at_1, {"temperature 0.7": at_07}
    statistical.assert_draws_follow(first, law, against=against)


@pytest.mark.parametrize("code", [code for code in ROWS if "gf.gumbel(" in code])
def test_noise_is_standard_gumbel(code, names):
    names["n"] = 100_000
    statistical.assert_continuous(eval(code, names), stats.gumbel_r.cdf, distance=0.02)
