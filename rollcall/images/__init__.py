"""The images that are Rollcall's own: building them here, and where a deploy gets them from."""
