"""The same for programs: `/api/v1/`. Thin: what is read and written is decided in the rooms above."""
