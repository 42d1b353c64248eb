"""Talk to the ACME server (RFC 8555) with certbot's own library: the account, orders, and advice on renewals."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy import errors as jose_errors
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC

from rollcall.acme.account import Account
from rollcall.acme.certificate import Issued
from rollcall.acme.network import ClockError, Network
from rollcall.acme.order_error import OrderError
from rollcall.acme.settings import Files, Settings
from rollcall.contract.timeouts import stretched

ORDER_TIMEOUT = timedelta(seconds=stretched(120))
REQUEST_TIMEOUT_SECONDS = stretched(30)
CONNECT_TIMEOUT_SECONDS = stretched(10)
_OVERLOADED = (requests.codes.too_many_requests, requests.codes.service_unavailable)
# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_OUTSIDE_VALIDITY = (9, 10)
# Publishes the answer of one challenge: token and answer, or the name of a TXT record and its value.
Publish = Callable[[str, str], None]


class Authority:
    """The server of one directory."""

    def __init__(self, settings: Settings, files: Files) -> None:
        """Prepare; sends nothing yet."""
        self._settings = settings
        self._files = files
        self._client: client.ClientV2 | None = None
        self._network: Network | None = None

    @property
    def directory(self) -> str:
        """The address of its directory."""
        return self._settings.directory

    def register(self) -> Account:
        """Create an account.

        Raises:
            OrderError: the server refuses, or does not respond.
        """
        key = JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
        with self._translated():
            made = self._connect(key)
            binding = None
            if self._settings.eab_id:
                binding = messages.ExternalAccountBinding.from_data(
                    key.public_key(), self._settings.eab_id, self._files.eab_key, made.directory
                )
            registration = messages.NewRegistration.from_data(
                email=self._settings.email or None, terms_of_service_agreed=True, external_account_binding=binding
            )
            account = made.new_account(registration)
        self._client = made
        return Account(key.json_dumps(), str(account.uri))

    def use(self, account: Account) -> None:
        """Use this account.

        Raises:
            OrderError: the server does not respond.
        """
        if self._client is None:
            with self._translated():
                made = self._connect(JWKEC.json_loads(account.key))
                made.net.account = messages.RegistrationResource(body=messages.Registration(), uri=account.uri)
                self._client = made

    def responds(self) -> bool:
        """Whether its directory can be read, by a new connection; no order is concerned."""
        try:
            with self._translated():
                self._connect(JWKEC(key=ec.generate_private_key(ec.SECP256R1())))
        except OrderError:
            return False
        return True

    def forget(self) -> None:
        """Read the directory again, and the account, before the next order."""
        self._client = None

    def order(self, name: str, publish: Publish, check_lock: Callable[[], None]) -> Issued:
        """Order a certificate for one name; `check_lock` raises what ends the order before its last step.

        Raises:
            OrderError: there is none.
        """
        assert self._client  # noqa: S101 — `use` comes first
        acme = self._client
        key = (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            .decode()
        )
        # The library compares with the local time, without a zone.
        deadline = datetime.now() + ORDER_TIMEOUT
        with self._translated():
            order = acme.new_order(crypto_util.make_csr(key.encode(), [name]), self._settings.profile or None)
            for authorization in order.authorizations:
                if authorization.body.status == messages.STATUS_PENDING:
                    self._answer(acme, authorization, publish)
            order = acme.poll_authorizations(order, deadline)
            check_lock()
            order = acme.finalize_order(order, deadline)
        return Issued(str(order.fullchain_pem), key, self._settings.directory)

    def _answer(self, acme: client.ClientV2, authorization: messages.AuthorizationResource, publish: Publish) -> None:
        wanted = challenges.DNS01 if self._settings.dns else challenges.HTTP01
        for offered in authorization.body.challenges:
            if isinstance(offered.chall, wanted):
                response, answer = offered.response_and_validation(acme.net.key)
                publish(_place(offered.chall, authorization.body.identifier.value), answer)
                acme.answer_challenge(offered, response)
                return
        raise OrderError(f"the authority offers no {wanted.typ} challenge for it")

    def advice(self, issued: Issued) -> tuple[datetime | None, datetime]:
        """Return when to renew, None without advice (ARI, RFC 9773), and when to ask again.

        Raises:
            OrderError: the server does not respond.
        """
        assert self._client  # noqa: S101 — `use` comes first
        with self._translated():
            when, again = self._client.renewal_time(issued.chain.encode())
        return when, again.astimezone(UTC)

    def _connect(self, key: JWK) -> client.ClientV2:
        # requests takes both in the same place: a server that is down costs a worker the shorter one.
        timeout = cast(int, (CONNECT_TIMEOUT_SECONDS, REQUEST_TIMEOUT_SECONDS))
        network = Network(key, alg=ES256, user_agent="rollcall (certbot's acme library)", timeout=timeout)
        if self._settings.authority:
            # requests takes the path of a CA file in the same place.
            network.verify_ssl = cast(bool, str(self._files.authority))
        self._network = network
        try:
            directory = client.ClientV2.get_directory(self._settings.directory, network)
        except (ValueError, KeyError) as error:
            if isinstance(error, OSError):
                raise
            raise OrderError(
                f"{self._settings.directory} is not an ACME directory: {error}", everything=True, local=True
            ) from error
        return client.ClientV2(directory, network)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the library's exceptions into sentences."""
        try:
            yield
        except messages.Error as error:
            raise self._refused(error) from error
        except errors.ValidationError as error:
            raise OrderError(_validation(error)) from error
        except errors.IssuanceError as error:
            raise self._refused(error.error) from error
        except ClockError as error:
            raise _wrong_clock(error) from error
        except errors.ARIError as error:
            if isinstance(error.__cause__, ClockError):
                raise _wrong_clock(error.__cause__) from error
            raise OrderError(str(error), local=True) from error
        except errors.TimeoutError as error:
            raise OrderError("the authority did not finish the order in time") from error
        except (errors.Error, jose_errors.Error) as error:
            response = error.args[0] if error.args else None
            status = response.status_code if isinstance(response, requests.Response) else 0
            reason = f"status {status}" if status else str(error)
            raise OrderError(
                f"the authority's response is of no use: {reason}",
                not_before=self._retry_after,
                everything=status in _OVERLOADED,
            ) from error
        except (requests.RequestException, OSError) as error:
            raise OrderError(
                f"cannot reach {self._settings.directory}: {_connection(error)}", everything=True, local=True
            ) from error
        except (ValueError, KeyError) as error:
            raise OrderError(f"the authority's response is of no use: {type(error).__name__}: {error}") from error

    @property
    def _retry_after(self) -> datetime | None:
        return self._network.retry_after if self._network else None

    def _refused(self, error: messages.Error) -> OrderError:
        return OrderError(
            f"the authority refuses: {error.detail or error.typ}",
            not_before=self._retry_after,
            limited=error.code == "rateLimited",
            no_account=error.code == "accountDoesNotExist",
        )


def _wrong_clock(error: ClockError) -> OrderError:
    return OrderError(str(error), everything=True, local=True, wrong_clock=True)


def _place(challenge: challenges.HTTP01 | challenges.DNS01, name: str) -> str:
    """Return where the authority looks; a wildcard's name comes without its star."""
    if isinstance(challenge, challenges.DNS01):
        return str(challenge.validation_domain_name(name))
    return str(challenge.encode("token"))


def _validation(error: errors.ValidationError) -> str:
    details = [
        str(challenge.error.detail or challenge.error.typ)
        for failed in error.failed_authzrs
        for challenge in failed.body.challenges
        if challenge.error is not None
    ]
    return f"the authority could not validate it: {'; '.join(details) or 'it gives no reason'}"


def _connection(error: Exception) -> str:
    """Return the innermost reason: requests wraps it several times."""
    inner: Any = error
    while inner.args and isinstance(inner.args[0], Exception):
        inner = inner.args[0]
    reason = getattr(inner, "reason", None) or inner
    cause = reason.args[0] if reason.args else None
    if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _OUTSIDE_VALIDITY:
        clock = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        return f"{cause.verify_message}; this host's clock says {clock}, correct it if it is wrong"
    return str(reason)
