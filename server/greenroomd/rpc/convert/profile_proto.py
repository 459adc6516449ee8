"""Converts requests about profiles to arguments of the use cases, and profiles to messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.protobuf.message import Message

from greenroom.v1 import profile_pb2
from greenroom.v1 import profile_service_pb2 as pb
from greenroomd.app.usecases.profiles import NewProfile, ProfileDeletion, ProfileUpdate
from greenroomd.domain.errors import Violation
from greenroomd.domain.profile import Profile, ProfileParts, etag
from greenroomd.domain.rules.naming_rules import DEFAULT_WORKSPACE
from greenroomd.rpc.convert.config_proto import oauth_token_of, partial_config_message, partial_config_of
from greenroomd.rpc.convert.plan_limit_proto import plan_limit_messages
from greenroomd.rpc.convert.requests import required
from greenroomd.rpc.convert.times import timestamp
from greenroomd.rpc.rpc_context import Call


def profile_message(profile: Profile) -> profile_pb2.Profile:
    """Return a profile as a message, which says only whether there is a token."""
    parts = profile.parts
    return profile_pb2.Profile(
        profile_id=profile.profile_id,
        workspace_id=profile.workspace_id,
        display_name=parts.display_name,
        description=parts.description,
        config=partial_config_message(parts.config, oauth_token_set=profile.oauth_token_set),
        warm_processes=parts.warm_processes,
        max_sessions=parts.max_sessions,
        labels=parts.labels,
        create_time=timestamp(profile.create_time),
        update_time=timestamp(profile.update_time),
        etag=etag(profile),
        plan_limits=plan_limit_messages(profile.plan_limits) if profile.plan_limits else None,
    )


def profile_answer(method: str, profile: Profile | None) -> bytes:
    """Return the serialized response of a method that changes profiles."""
    if profile is None:
        return pb.DeleteProfileResponse().SerializeToString()
    return _ANSWERS[method](profile=profile_message(profile)).SerializeToString()


def new_profile(request: pb.CreateProfileRequest, call: Call) -> NewProfile:
    """Return what CreateProfile asks for, with the problems found so far."""
    required("profile.profile_id", request.profile.profile_id, call.problems)
    parts = _parts_of(request.profile, call.problems)
    return NewProfile(
        workspace_id=request.profile.workspace_id or DEFAULT_WORKSPACE,
        profile_id=request.profile.profile_id,
        parts=parts,
        validate_only=request.validate_only,
        request=call.request,
        violations=tuple(call.problems),
    )


def profile_update(request: pb.UpdateProfileRequest, call: Call) -> ProfileUpdate:
    """Return what UpdateProfile asks for, with the problems found so far."""
    required("profile.profile_id", request.profile.profile_id, call.problems)
    given = _parts_of(request.profile, call.problems)
    return ProfileUpdate(
        workspace_id=request.profile.workspace_id or DEFAULT_WORKSPACE,
        profile_id=request.profile.profile_id,
        given=given,
        paths=tuple(request.update_mask.paths),
        etag=request.profile.etag,
        request=call.request,
        violations=tuple(call.problems),
    )


def profile_deletion(request: pb.DeleteProfileRequest, call: Call) -> ProfileDeletion:
    """Return what DeleteProfile asks for, with the problems found so far."""
    required("profile_id", request.profile_id, call.problems)
    return ProfileDeletion(
        workspace_id=request.workspace_id or DEFAULT_WORKSPACE,
        profile_id=request.profile_id,
        etag=request.etag,
        request=call.request,
        violations=tuple(call.problems),
    )


_ANSWERS: Mapping[str, Callable[..., Message]] = {
    "CreateProfile": pb.CreateProfileResponse,
    "UpdateProfile": pb.UpdateProfileResponse,
}


def _parts_of(message: profile_pb2.Profile, problems: list[Violation]) -> ProfileParts:
    return ProfileParts(
        display_name=message.display_name,
        description=message.description,
        labels=dict(message.labels),
        config=partial_config_of(message.config, "profile.config", problems),
        oauth_token=oauth_token_of(message.config),
        warm_processes=message.warm_processes,
        max_sessions=message.max_sessions,
    )
