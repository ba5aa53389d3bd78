"""Is the application well? A kind of check is a file here, and a line in `deploy.switch`."""
