"""How verify knows the sample web containers, which respond with their names (templates/webserver)."""

# A label of theirs; services of the user's own may take it, too, if they serve the same /json.
LABEL = "sample"
