"""The service: a shell that every project shares, around the routes of its family."""
