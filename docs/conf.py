"""How Sphinx builds the site: `uv run poe docs`."""

project = "Capstoner"
author = "the authors of Capstoner"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Capstoner"
html_show_sphinx = False
# Headings are link targets down to this depth, under the names that GitHub gives them.
myst_heading_anchors = 3
