"""What a load test is told, from the environment: the same for `nix run .#load`, for `locust -f` and for workers."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coldstart_harness.errors import UsageError
from coldstart_harness.slo.document import Service
from coldstart_harness.slo.loading import load_slo

_BESIDE = Path(__file__).parents[1] / "slo.toml"


@dataclass(frozen=True)
class Settings:
    """What locust's own flags do not say.

    Args:
        slo: the file of promises (COLDSTART_SLO; by default the project's own).
        service: which of its services (LOAD_SERVICE; by default the only one).
        image: whose expected answers and bounds are laid over the service's (LOAD_IMAGE).
        token: sent as a bearer token, and shown nowhere (LOAD_TOKEN, or a file that LOAD_TOKEN_FILE names).
        ca: certificates to trust beside no others (LOAD_CA).
        insecure: any certificate will do (LOAD_INSECURE=1).
        json: where the document of the run is written (LOAD_JSON).
    """

    slo: Path = _BESIDE
    service: str | None = None
    image: str | None = None
    token: str | None = field(default=None, repr=False)
    ca: Path | None = None
    insecure: bool = False
    json: Path | None = None

    def environment(self) -> dict[str, str]:
        """The variables that `settings_in` reads these from."""
        given = {
            "COLDSTART_SLO": str(self.slo),
            "LOAD_SERVICE": self.service,
            "LOAD_IMAGE": self.image,
            "LOAD_TOKEN": self.token,
            "LOAD_CA": str(self.ca) if self.ca else None,
            "LOAD_INSECURE": "1" if self.insecure else None,
            "LOAD_JSON": str(self.json) if self.json else None,
        }
        return {name: value for name, value in given.items() if value}

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def without_token(self, text: str) -> str:
        """The text, should a service repeat the token in an answer that is shown."""
        return text.replace(self.token, "***") if self.token else text

    def ssl_context(self) -> ssl.SSLContext:
        """How servers are verified.

        Raises:
            UsageError: the file of certificates cannot be read.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(f"{self.ca} cannot be read as a file of certificates: {error}") from None
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def asked(self) -> tuple[str, Service]:
        """The service under load and its name.

        Raises:
            UsageError: the file of promises is not right, or has no such service, or several and none was chosen.
        """
        file = load_slo(self.slo)
        services = file.slo.services if self.image is None else file.target_of(self.image).services
        known = ", ".join(services)
        name = self.service or (next(iter(services)) if len(services) == 1 else None)
        if name is None:
            raise UsageError(f"{self.slo} has several services, so one must be chosen: {known}")
        if name not in services:
            raise UsageError(f"{self.slo} has no service {name!r}; there are: {known}")
        return name, services[name]


def settings_in(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment holds.

    Raises:
        UsageError: a token is given twice, or its file cannot be read.
    """
    ca, json = environ.get("LOAD_CA"), environ.get("LOAD_JSON")
    return Settings(
        slo=Path(environ.get("COLDSTART_SLO") or _BESIDE),
        service=environ.get("LOAD_SERVICE") or None,
        image=environ.get("LOAD_IMAGE") or None,
        token=_token_in(environ),
        ca=Path(ca) if ca else None,
        insecure=environ.get("LOAD_INSECURE") == "1",
        json=Path(json) if json else None,
    )


def _token_in(environ: Mapping[str, str]) -> str | None:
    token, path = environ.get("LOAD_TOKEN"), environ.get("LOAD_TOKEN_FILE")
    if token and path:
        raise UsageError("both LOAD_TOKEN and LOAD_TOKEN_FILE are set; one of them is wanted")
    if path:
        token = token_from(Path(path))
    return token or None


def token_from(path: Path) -> str:
    """The token that a file holds.

    Raises:
        UsageError: it cannot be read, or is empty.
    """
    try:
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as a file with a token: {error}") from None
    if not token:
        raise UsageError(f"{path} is empty; a token was wanted")
    return token
