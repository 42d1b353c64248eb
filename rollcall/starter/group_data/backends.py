"""Settings of the hosts that run the sample containers: something to see until your own containers run."""

backends = [{"name": "webserver", "count": 2}]
