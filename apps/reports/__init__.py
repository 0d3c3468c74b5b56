"""What was reported, to whom, how and when: campaigns, reports, items and imports."""
