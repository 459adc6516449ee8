"""Who calls: API tokens, JSON Web Tokens and client certificates, each proven in its own way."""
