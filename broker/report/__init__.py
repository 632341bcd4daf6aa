"""What plans and markets look like: text for people, JSON and CSV for programs."""
