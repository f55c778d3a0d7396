"""Telling other systems what happened here: endpoints, the outbox, signed sending, its log. What happened, flows say."""
