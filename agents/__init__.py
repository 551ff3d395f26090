"""The thinking: pure, knows no broker, no clock, no environment."""
