"""Settings of the hosts that run nginx."""

front = {
    # The services behind the default site, each "name" or "tag.name".
    "services": ["webserver-80"],
    # The default site serves any host name. For one name only:
    # "server_name": "www.example.com",
    # One of your own services behind a host name; a container can also set one itself, with
    # SERVICE_VIRTUAL_HOST=shop.example.com in its environment or labels.
    # "routes": [{"service": "shop", "host": "shop.example.com"}],
    # A certificate of your own; without it the fleet's authority signs one that no browser trusts.
    # "certificate": "certificates/site.crt", "certificate_key": "certificates/site.key",
    # "redirect": True,  # HTTP redirects to HTTPS
}
