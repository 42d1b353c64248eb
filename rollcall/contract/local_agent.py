"""Name the address at which every host's own Consul agent serves its API to the host's programs."""

ADDRESS, PORT = "127.0.0.1", 8500
ENDPOINT = (ADDRESS, PORT)
AUTHORITY = f"{ADDRESS}:{PORT}"
URL = f"http://{AUTHORITY}"
