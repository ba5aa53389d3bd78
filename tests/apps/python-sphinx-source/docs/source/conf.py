project = "Shapes"
html_theme = "sphinx_rtd_theme"
