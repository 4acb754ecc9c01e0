"""What happens after a rule fires: routes, runbooks and the responder."""
