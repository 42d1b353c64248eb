"""Settings of the hosts where requests come in."""

front = {
    # The services behind the default site, each "name" or "tag.name".
    "services": ["webserver-80"],
    # The default site answers for any host name. For one name only:
    # "server_name": "www.example.com",
    # One of your own services behind a host name; a container can also ask for one itself, with
    # SERVICE_VIRTUAL_HOST=shop.example.com in its environment or labels.
    # "routes": [{"service": "shop", "host": "shop.example.com"}],
    # A certificate of your own; without one the fleet's authority signs one that no browser knows.
    # "certificate": "certificates/site.crt", "certificate_key": "certificates/site.key",
    # "redirect": True,  # HTTP redirects to HTTPS
}
