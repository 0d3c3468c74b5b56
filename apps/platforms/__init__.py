"""What we know of each platform: which URLs are its own, how to ask it, what its answers mean."""
