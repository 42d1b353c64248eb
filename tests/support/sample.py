"""The sample web services as this repository declares them."""

import runpy

from rollcall.config.project import CHECKOUT
from rollcall.secrets.certificates import Certificate
from rollcall.secrets.service_secrets import ServiceSecrets

SERVICES = runpy.run_path(str(CHECKOUT / "group_data" / "backends.py"))["services"]
WEBSERVER, NGINX = SERVICES
CERTIFICATES = {name: Certificate(f"CERT-{name}", f"KEY-{name}") for name in ("webserver", "nginx")}
SECRETS = ServiceSecrets(certificates=CERTIFICATES)
