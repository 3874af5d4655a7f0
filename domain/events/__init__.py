"""Events of the Rails app: schema, rules, order."""
