"""Pages of the dashboard, a module and a template each."""
