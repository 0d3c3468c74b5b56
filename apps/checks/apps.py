from django.apps import AppConfig


class ChecksConfig(AppConfig):
    name = "apps.checks"
    label = "checks"

    def ready(self) -> None:
        from . import system_checks  # noqa: F401  (registers itself)
