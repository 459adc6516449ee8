"""Access to the RPCs: who calls, what the caller may do, and how a call ends that may no longer go on."""
