"""HTTP: routes, schemas, errors as replies."""
