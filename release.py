"""Release one service, in an earlier version or anew. Run: rollcall rollback or rollcall restart."""

from rollcall.deploy.service_steps import release_one_service

release_one_service()
