"""Commands of the core: spec, build, verify, values, diff."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
