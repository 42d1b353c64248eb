"""Where every host's own Consul agent serves its API, as the host and its own programs see it."""

ADDRESS, PORT = "127.0.0.1", 8500
ENDPOINT = (ADDRESS, PORT)
AUTHORITY = f"{ADDRESS}:{PORT}"
URL = f"http://{AUTHORITY}"
