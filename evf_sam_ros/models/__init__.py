"""The networks: modules that take tensors and return tensors."""
