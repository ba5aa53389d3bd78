project = "Shapes"
extensions = ["sphinx.ext.autodoc"]
html_theme = "furo"
