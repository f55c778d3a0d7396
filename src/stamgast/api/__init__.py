"""The public HTTP API ``/v1``: shapes and routes that call rooms and flows and decide nothing."""
