"""Programs that use an export without this package: copied into it, they read everything from its contract."""
