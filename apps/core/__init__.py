"""The clock, canonical URLs, defanging and safe CSV cells. No models, and nothing above it to import."""
