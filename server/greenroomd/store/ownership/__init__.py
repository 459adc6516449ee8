"""One database, one owner: the record of the owner, and the locks that keep a second server away."""
