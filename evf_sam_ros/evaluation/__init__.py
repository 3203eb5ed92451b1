"""How good a model is: metrics and the protocols that use them."""
