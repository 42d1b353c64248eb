"""Remove everything that a deploy put on these hosts. Run: rollcall remove INVENTORY."""

from rollcall.deploy.steps import remove_everything

remove_everything()
