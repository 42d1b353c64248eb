"""A user's own templates: files for any service, kept in step with the catalog, and never by a broken one."""
