"""From the catalog and the settings to what nginx serves."""
