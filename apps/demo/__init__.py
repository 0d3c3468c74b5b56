"""A simulated platform and its 30-day story. Never part of a production configuration."""
