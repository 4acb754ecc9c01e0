"""The hostile audit: every answer to malformed and unexpected input is accounted for."""
