"""Staff, their sign-in and its throttling, API keys with scopes, and the audit trail of what people and scripts did."""
