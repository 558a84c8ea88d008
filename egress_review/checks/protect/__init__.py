"""Making a table safe: complementary suppression, rounding, merged bands; with what each of them loses."""
