"""Greenroom's server: Claude CLI sessions over gRPC."""
