"""The ACME program beside the front: orders, renews and shares the certificates of the names that the front routes."""
