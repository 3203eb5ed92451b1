"""The networks: tensors in, tensors out, nothing but torch."""
