"""Terms, protocols and errors of the services; imports nothing of the other layers."""
