"""How people touch it: click commands, rendering, JSON. No rule about staleness lives here."""
