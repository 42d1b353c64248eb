"""Guard the steps of deploy.py and remove.py: an exception is one sentence and a failed run."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from pyinfra.api.exceptions import PyinfraError

from rollcall import crash_report
from rollcall.errors import RollcallError

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


def step(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Convert an exception of a step into one sentence that ends the run; pyinfra would print a traceback."""

    @wraps(function)
    def guarded(*arguments: Arguments.args, **named: Arguments.kwargs) -> Returned:
        try:
            return function(*arguments, **named)
        except PyinfraError:
            raise
        except RollcallError as problem:
            raise PyinfraError(str(problem)) from None
        except Exception as error:
            raise PyinfraError(crash_report.sentence(error)) from None

    return guarded
