"""Parts that pages share: lists, templates, words."""
