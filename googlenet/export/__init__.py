"""A sealed model in the format of another runtime, with the contract that shows whether it still answers the same."""
