"""A server with the official MCP package, unchanged: what a seller has before there are prices."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp.server.fastmcp import FastMCP

workshop = FastMCP("workshop")
calls = Path(sys.argv[1])


@workshop.tool()
def search(query: str) -> str:
    """Finds things."""
    with calls.open("a", encoding="utf-8") as file:
        file.write(f"{query}\n")
    return f"found {query}"


@workshop.tool()
def dear(query: str) -> str:
    """Finds dear things."""
    return f"found {query} for much"


@workshop.tool()
def fails(query: str) -> str:
    """Never finds anything."""
    raise ValueError(f"no {query}")


@workshop.tool()
def ping() -> str:
    """Costs nothing."""
    return "pong"


workshop.run("stdio")
