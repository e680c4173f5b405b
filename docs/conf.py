"""How Sphinx builds the site: `make site`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

import shell_reference  # noqa: E402

import donormatch  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "donormatch"
author = "the donormatch developers"
project_copyright = "2026, the donormatch developers"
version = release = donormatch.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "mathml",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]
templates_path = ["_templates"]
# What stands in single backquotes in a docstring is code.
default_role = "code"

# ---- Python reference ----------------------------------------------------------------------------

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
# The templates list members; numpydoc would list them again.
numpydoc_show_class_members = False

# Links into other packages need their inventories from the network: `make site ONLINE=1`.
intersphinx_mapping = {}
if os.environ.get("DONORMATCH_SITE_ONLINE"):
    intersphinx_mapping = {
        "anndata": ("https://anndata.readthedocs.io/en/stable/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
        "pandas": ("https://pandas.pydata.org/docs/", None),
        "python": ("https://docs.python.org/3/", None),
        "sklearn": ("https://scikit-learn.org/stable/", None),
    }

# ---- pages and notebooks -------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
# The only script that notebooks would load from elsewhere; no page here has a widget.
nb_ipywidgets_js = {}

# ---- looks ---------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"donormatch {release}"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["donormatch.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "donormatch"},
    "announcement": "Research use only. Not a medical device; it does not choose a treatment or a "
    "donor for a patient.",
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

linkcheck_anchors = False
linkcheck_timeout = 20


def write_sources(_: Sphinx, __: object) -> None:
    """Put the notebooks and the help of the shell among the pages; git ignores both here."""
    for notebook in (HERE.parent / "notebooks").glob("*.ipynb"):
        shutil.copyfile(notebook, HERE / "tutorials" / notebook.name)
    shell_reference.write(HERE / "reference" / "shell.md")


def name_buttons(_: Sphinx, __: str, ___: str, context: dict[str, Any], ____: object) -> None:
    """Give the buttons that unfold a section a name for screen readers; the theme does not."""
    toctree_html = context.get("generate_toctree_html")
    if toctree_html is None:
        return

    def named(*args: Any, **options: Any) -> Any:
        found = toctree_html(*args, **options)
        if not isinstance(found, str):
            return found
        return found.replace("<summary>", '<summary aria-label="Pages of this section">')

    context["generate_toctree_html"] = named


def setup(app: Sphinx) -> None:
    """Connect what is above to the build."""
    app.connect("config-inited", write_sources)
    # After the theme.
    app.connect("html-page-context", name_buttons, priority=900)
