"""Programs for the people who build this project; nothing here is installed."""
