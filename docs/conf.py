"""Sphinx's settings: `sphinx-build -W docs docs/_build`, where -W makes every warning an error.

Nothing is fetched, when the pages are built or when they are read: formulas become MathML, which browsers draw.
"""

import importlib.metadata
import importlib.util

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

project = "gumbel_fast"
author = "the gumbel_fast developers"
copyright = f"2026, {author}"
version = release = importlib.metadata.version("gumbel_fast")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
default_role = "autolink"  # `name` is a link where it can be one
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(np|numpy|torch|Tensor|da|dask|os|collections|NDArray|ArrayLike|DTypeLike|RNG|Vector|Any)\b.*")
]

autodoc_preserve_defaults = True
autodoc_mock_imports = []  # a stand-in is enough to read docstrings
if importlib.util.find_spec("torch") is None:
    # For its operators too, which ask more of torch than a stand-in has, and which no page shows.
    autodoc_mock_imports += ["torch", "gumbel_fast.torch._operators", "gumbel_fast.torch._derivatives"]
if importlib.util.find_spec("dask") is None:
    autodoc_mock_imports += ["dask"]
autosummary_generate = False
numpydoc_show_class_members = False
add_module_names = False
autodoc_typehints = "none"  # one signature, in place of one for each overload: docstrings tell the types

html_theme = "furo"
html_title = f"gumbel_fast {version}"
html_math_renderer = "mathml"
html_copy_source = False


def write_mathml(self, node):
    """Write a formula by docutils' own converter, which raises an error for what it does not know."""
    formula = tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block))
    self.body.append(formula.replace('display="block"', 'display="block" style="padding: 0.6em 0"'))  # else cut
    raise nodes.SkipNode


def setup(app):
    """Have Sphinx call the renderer of formulas."""
    app.add_html_math_renderer("mathml", (write_mathml, None), (write_mathml, None))
