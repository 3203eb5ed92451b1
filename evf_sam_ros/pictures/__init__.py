"""Image files, videos and report pages."""
