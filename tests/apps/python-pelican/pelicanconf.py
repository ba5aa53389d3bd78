SITENAME = 'Blog'
PATH = 'content'
