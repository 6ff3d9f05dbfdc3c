"""Who may do what: every route × every caller × whose thing it is, as one table, and what runs it."""
