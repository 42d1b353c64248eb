"""Settings of the hosts that run nginx."""

front = {
    # The services behind the default site, each "name" or "tag.name".
    "services": ["webserver-80"],
    # The default site serves any host name. For one name only:
    # "server_name": "www.example.com",
    # One of your own services behind a host name; a container can also set one itself, with
    # SERVICE_VIRTUAL_HOST=shop.example.com in its environment or labels.
    # "routes": [{"service": "shop", "host": "shop.example.com"}],
    # A certificate of Let's Encrypt for each routed name that you list (docs/https.md), or files of your own; without
    # either, the fleet's authority signs one that no browser trusts.
    # "acme": {"email": "ops@example.com", "names": ["shop.example.com"]},
    # "certificate": "certificates/site.crt", "certificate_key": "certificates/site.key",
    # "redirect": True,  # HTTP redirects to HTTPS
    # The access log as a file, for log shippers: /var/log/rollcall/front/access.log (docs/operating.md).
    # "access_log": "file",
}
