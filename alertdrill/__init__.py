"""Alertdrill: an observability stack in which every alert is proven."""

VERSION = "0.1.0"
