"""Drills inject a fault and verify that the alert fires, is delivered, healed and cleared."""
