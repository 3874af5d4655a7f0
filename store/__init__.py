"""PostgreSQL: tables, migrations, what is loaded, what is read, and the views the pages read."""
