"""From the SQL of a claim to a query that the gate can prove."""
