"""From a container to the services that it registers as. No I/O."""
