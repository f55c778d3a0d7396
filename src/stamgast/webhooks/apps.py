from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "stamgast.webhooks"
    default_auto_field = "django.db.models.BigAutoField"
