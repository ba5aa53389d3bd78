"""Static sites: what the built files are, and the configuration of the web server that serves them."""
