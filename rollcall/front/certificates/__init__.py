"""The certificate of each site: where it comes from, and the file that nginx reads."""
