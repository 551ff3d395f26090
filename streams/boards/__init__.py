"""The Grafana dashboards, built in typed Python: one dashboard answers one question."""
