"""What all reports share: the page, the charts, the formats and JUnit XML."""
