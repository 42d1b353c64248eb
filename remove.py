"""Clean removal: everything that a deploy put on these hosts. Run it with: rollcall remove INVENTORY."""

from rollcall.deploy.steps import remove_everything

remove_everything()
