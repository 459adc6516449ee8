"""Profiles: made, repeated, changed, listed, refused."""

from __future__ import annotations

from google.protobuf.field_mask_pb2 import FieldMask

from greenroom.v1.config_pb2 import SessionConfig
from greenroom.v1.profile_pb2 import Profile
from greenroom.v1.profile_service_pb2 import (
    CreateProfileRequest,
    GetProfileRequest,
    ListProfilesRequest,
    UpdateProfileRequest,
)
from recorded.play import Play


async def keep_profiles(play: Play) -> None:
    """Profiles: made, repeated, changed, listed, refused."""
    config = SessionConfig(model="opus", environment={"TZ": "UTC", "LANG": "C"}, oauth_token="sk-secret")
    config.limits.cpu = 2
    config.settings.update({"permissions": {"allow": ["Read"]}, "bashOutputMaxChars": 5000})
    for name in ("reviewer", "b", "a-b", "a", "z9"):
        profile = Profile(profile_id=name, config=config, description="ünïcode\n", max_sessions=40)
        request = CreateProfileRequest(profile=profile, request_id=next(play.request_ids))
        await play.ask(play.profiles.CreateProfile, request)
        await play.ask(play.profiles.CreateProfile, request)
        request.profile.description = "other"
        await play.refused(play.profiles.CreateProfile, request)
    await play.refused(play.profiles.CreateProfile, CreateProfileRequest(profile=Profile(profile_id="z9")))
    bad = Profile(profile_id="No", warm_processes=-1, config=SessionConfig(max_turns=0))
    await play.refused(play.profiles.CreateProfile, CreateProfileRequest(profile=bad))
    for path in ("display_name", "labels.team", "config.model", "config.environment.TZ", "config.limits"):
        changed = Profile(profile_id="reviewer", display_name="Ann's", labels={"team": "red"})
        request_ = UpdateProfileRequest(profile=changed, update_mask=FieldMask(paths=[path]))
        await play.ask(play.profiles.UpdateProfile, request_)
    stale = UpdateProfileRequest(
        profile=Profile(profile_id="reviewer", etag="0.1"), update_mask=FieldMask(paths=["labels"])
    )
    await play.refused(play.profiles.UpdateProfile, stale)
    page = await play.ask(play.profiles.ListProfiles, ListProfilesRequest(page_size=3))
    rest = ListProfilesRequest(page_size=3, page_token=page.next_page_token)
    await play.ask(play.profiles.ListProfiles, rest)
    await play.ask(play.profiles.ListProfiles, ListProfilesRequest(workspace_id="-", page_size=100))
    await play.ask(play.profiles.GetProfile, GetProfileRequest(profile_id="reviewer"))
    await play.refused(play.profiles.GetProfile, GetProfileRequest(profile_id="nobody"))
