"""Plans and markets as tables and text for people."""
