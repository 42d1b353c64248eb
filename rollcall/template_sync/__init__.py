"""Users' own templates: keep files for any service in step with the catalog, and reject broken renderings."""
