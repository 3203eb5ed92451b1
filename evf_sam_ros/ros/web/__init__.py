"""The operator's page: what the node sees and answers, in a browser, and a line to speak to it."""
