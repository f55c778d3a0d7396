from django.apps import AppConfig


class DuplicatesConfig(AppConfig):
    name = "stamgast.duplicates"
    default_auto_field = "django.db.models.BigAutoField"
