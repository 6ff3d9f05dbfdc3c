"""Where things are in a checkout, and the fixed list of services."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
VENVS = LOCAL / "venv"
CACHE = LOCAL / "cache"
CHASSIS = ROOT / "chassis"
DEVKIT = CHASSIS / "devkit"


@dataclass(frozen=True)
class Service:
    name: str
    folder_name: str
    package: str
    #: The checkout that its code is taken from: this one, or a released version's beside it (devkit.releases).
    root: Path = ROOT

    @property
    def folder(self) -> Path:
        return self.root / self.folder_name

    @property
    def lock(self) -> Path:
        return self.folder / "requirements.lock"

    @property
    def venv(self) -> str:
        """The name of the environment that its processes run in."""
        return self.folder_name if self.root == ROOT else f"{self.folder_name}-{self.root.name}"


def _service(name: str) -> Service:
    return Service(name, f"{name}-service", f"{name}_service")


GATEWAY = Service("gateway", "gateway", "gateway")
SCHEDULER = _service("scheduler")
#: The five that have one web, one consumer and one relay each.
PLAIN_SERVICES = tuple(_service(name) for name in ("auth", "user", "doctor", "appointment", "review"))
SERVICES = (GATEWAY, *PLAIN_SERVICES, SCHEDULER)


def venv_python(name: str) -> Path:
    return VENVS / name / "bin" / "python"


def tool(name: str) -> Path:
    """A program of the tools environment (uv, supervisord)."""
    return VENVS / "tools" / "bin" / name
