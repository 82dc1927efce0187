"""Sphinx's settings: `sphinx-build -W docs docs/_build`, where -W makes every warning an error.

Nothing is fetched, when the pages are built or when they are read: formulas become MathML, which browsers draw, and
pictures.py draws the pictures.
"""

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.docutils import SphinxDirective

project = "gumbel_fast"
author = "the gumbel_fast developers"
copyright = f"2026, {author}"
version = release = importlib.metadata.version("gumbel_fast")

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "sphinx_design"]
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
html_static_path = ["_static"]
html_css_files = ["site.css"]
_variables = {  # of furo: signatures on a ground of their own; with site.css lines of code of 100 characters
    "color-api-background": "var(--color-background-secondary)",
    "code-font-size": "78%",
}
html_theme_options = {"light_css_variables": _variables, "dark_css_variables": _variables}


class Picture(SphinxDirective):
    """`.. picture:: NAME` with the option `alt`: one that pictures.py draws, the light or the dark as the page is."""

    required_arguments = 1
    option_spec: ClassVar = {"alt": directives.unchanged_required}

    def run(self):
        """Return both; furo's classes hide one."""
        alternative = " ".join(self.options["alt"].split())
        container = nodes.container(classes=["picture"])
        for theme in ("light", "dark"):
            uri = f"/generated/{theme}/{self.arguments[0]}.png"
            container += nodes.image(uri=uri, alt=alternative, classes=[f"only-{theme}"])
        return [container]


def draw_pictures(app):
    """Draw the pictures, in a process without the stand-ins above."""
    subprocess.run([sys.executable, Path(app.confdir) / "pictures.py"], check=True, stdout=subprocess.DEVNULL)


def write_mathml(self, node):
    """Write a formula by docutils' own converter, which raises an error for what it does not know."""
    self.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def setup(app):
    """Have Sphinx call what is defined here."""
    app.connect("builder-inited", draw_pictures)
    app.add_directive("picture", Picture)
    app.add_html_math_renderer("mathml", (write_mathml, None), (write_mathml, None))
