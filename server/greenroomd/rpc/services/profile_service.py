"""ProfileService."""

from __future__ import annotations

from greenroom.v1 import profile_service_pb2 as pb
from greenroomd.app.ports.profile_store import place_of
from greenroomd.app.usecases.profiles import Profiles
from greenroomd.domain.rules.naming_rules import DEFAULT_WORKSPACE
from greenroomd.rpc.convert import requests
from greenroomd.rpc.convert.profile_proto import (
    new_profile,
    profile_deletion,
    profile_message,
    profile_update,
)
from greenroomd.rpc.page_answer import page_answer
from greenroomd.rpc.page_token import page_size, position_of
from greenroomd.rpc.rpc_context import Call


class ProfileService:
    """Keeps named configs; the contract says what each method promises."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    async def CreateProfile(self, request: pb.CreateProfileRequest, call: Call) -> pb.CreateProfileResponse:
        """Store a profile."""
        profile = await self._profiles.create(new_profile(request, call))
        return pb.CreateProfileResponse(profile=profile_message(profile))

    async def GetProfile(self, request: pb.GetProfileRequest, call: Call) -> pb.GetProfileResponse:
        """Return a profile."""
        requests.required("profile_id", request.profile_id, call.problems)
        call.refuse_problems()
        workspace_id = request.workspace_id or DEFAULT_WORKSPACE
        profile = await self._profiles.get(workspace_id, request.profile_id)
        return pb.GetProfileResponse(profile=profile_message(profile))

    async def ListProfiles(self, request: pb.ListProfilesRequest, call: Call) -> bytes:
        """Return a page of profiles."""
        limit = page_size(request.page_size, call.problems)
        workspace_id = requests.workspace_of(request.workspace_id, call.problems)
        call.refuse_problems()
        after = position_of(request.page_token, request)
        page = await self._profiles.list(workspace_id, after=after, limit=limit, within=call.visible)
        return page_answer(page, request, profile_message, place_of)

    async def UpdateProfile(self, request: pb.UpdateProfileRequest, call: Call) -> pb.UpdateProfileResponse:
        """Change what the mask names."""
        profile = await self._profiles.update(profile_update(request, call))
        return pb.UpdateProfileResponse(profile=profile_message(profile))

    async def DeleteProfile(self, request: pb.DeleteProfileRequest, call: Call) -> pb.DeleteProfileResponse:
        """Delete a profile that no session uses."""
        await self._profiles.delete(profile_deletion(request, call))
        return pb.DeleteProfileResponse()
