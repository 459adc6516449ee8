"""The one owner of each live session, and the life of its process."""
