"""Language: a sentence becomes an expression, and an expression becomes tokens."""
