"""From a sentence to an expression, and from an expression to tokens."""
