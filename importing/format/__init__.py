"""The dataset file: its keys and the rules between them."""
