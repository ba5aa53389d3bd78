from pelicanconf import PATH, SITENAME

SITEURL = "https://blog.example.org"
__all__ = ["PATH", "SITENAME"]
