"""Converts what can be chosen in a session to a message."""

from __future__ import annotations

from collections.abc import Iterable

from greenroom.v1 import capabilities_pb2 as pb
from greenroomd.app.usecases.session_capabilities import Offer
from greenroomd.rpc.convert.structs import wire_text


def capabilities_message(offer: Offer) -> pb.Capabilities:
    """Return an offer as a message."""
    offered = offer.capabilities
    return pb.Capabilities(
        etag=offered.etag,
        cli_version=wire_text(offer.cli_version),
        config_generation=offer.generation,
        models=[
            pb.ModelChoice(
                model=wire_text(each.model),
                resolved_model=wire_text(each.resolved_model),
                display_name=wire_text(each.display_name),
                description=wire_text(each.description),
                efforts=_texts(each.efforts),
                adaptive_thinking=each.adaptive_thinking,
            )
            for each in offered.models
        ],
        commands=[
            pb.Command(
                name=wire_text(each.name),
                description=wire_text(each.description),
                argument_hint=wire_text(each.argument_hint),
                aliases=_texts(each.aliases),
                builtin=each.builtin,
            )
            for each in offered.commands
        ],
        agents=[
            pb.Agent(
                name=wire_text(each.name),
                description=wire_text(each.description),
                model=wire_text(each.model),
            )
            for each in offered.agents
        ],
        tools=_texts(offer.tools),
        tools_known=bool(offer.tools),
        mcp_tools=_texts(offer.mcp_tools),
        output_style=wire_text(offered.output_style),
        output_styles=_texts(offered.output_styles),
    )


def _texts(values: Iterable[str]) -> list[str]:
    return [wire_text(value) for value in values]
