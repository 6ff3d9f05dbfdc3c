"""What user-service reads from its environment."""

from pathlib import Path

from pydantic import Field

from chassis.config import DataConfig


class Config(DataConfig):
    account_recovery_days: float = Field(
        30, gt=0, le=3650, allow_inf_nan=False, description="How long a deleted account can be recovered."
    )
    erasure_reannounce_seconds: float = Field(
        600, gt=0, allow_inf_nan=False, description="How long receipts may take before an erasure is announced again."
    )
    erasure_ledger: Path | None = Field(
        None, description="File outside of the database in which the ids of the erased are kept, for restores."
    )
