"""Taking instances out of service without a lost request."""
