"""Other people's sheets: tables and roles found, their own derivative, findings with cause and repair."""
