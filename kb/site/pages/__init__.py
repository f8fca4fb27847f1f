"""The pages of the site: one file a page kind, and the pieces they share."""
