SITENAME = "Blog"
PATH = "content"
