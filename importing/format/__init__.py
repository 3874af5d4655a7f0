"""Format of the dataset file: keys and the rules between them."""
