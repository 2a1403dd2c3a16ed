"""One venue's dated rules for one contract, as data: the keys of configs/venues/*/*.yaml, their hash and their gaps."""

import datetime
import hashlib
import json
from typing import Annotated, Any

from pydantic import Field, model_validator

from stresslab.errors import require
from stresslab.venues.schema.band import Band
from stresslab.venues.schema.base import Moment, Section, Text, Texts, moment
from stresslab.venues.schema.contract import Collateral, Contract
from stresslab.venues.schema.cost import CloseOut, Fees, Funding
from stresslab.venues.schema.liquidation import Full, Liquidation
from stresslab.venues.schema.loss import Loss
from stresslab.venues.schema.mark import Mark
from stresslab.venues.schema.requirement import Requirement

TIER_UNITS = {
    "linear": ("quote", "base", "contracts"),
    "inverse": ("quote", "base", "coin", "contracts"),
    "quanto": ("contracts", "coin"),
    "option": ("base",),
}


class Rules(Section):
    """One edition of the rules of one contract, with their source and with what is assumed beyond it.

    It holds from `valid_from`, and was last seen in force on `last_seen`. `as_of` alone in a file, the day whose rules
    it holds, stands for both.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+/[\w-]+$", description="venue/SYMBOL")]
    valid_from: Moment = Field(description="UTC; from here on these rules are known, or taken, to hold")
    last_seen: Moment = Field(description="UTC, of a day its end: the last time that they were seen in force")
    source: Text
    confidence: Text
    assumptions: Texts = Field(description="how the venue's words were read, and what was simplified")
    unverified: Texts = Field(description="what was not read at the source: one line each, shown when it is used")
    contract: Contract
    collateral: Collateral
    requirement: Requirement
    cross_requirement: Requirement | None = Field(
        default=None, description="of accounts in cross mode, where it is another one; null: the same"
    )
    mark: Mark
    liquidation: Liquidation
    loss: Loss
    fees: Fees
    funding: Funding
    band: Band
    close_out: CloseOut

    @model_validator(mode="after")
    def _consistent(self) -> "Rules":
        rule = "must not be before valid_from"
        require(self.last_seen >= self.valid_from, rule, key="last_seen", got=str(self.last_seen))
        kind, wanted = self.contract.kind, self.requirement
        units = TIER_UNITS[kind]
        rule = f"tiers of a contract of the kind {kind} are counted in {' or '.join(units)}"
        require(wanted.tier_unit in units, rule, key="requirement.tier_unit", got=wanted.tier_unit)
        rule = "goes with contracts of the kind option, and they with it"
        require((wanted.shape == "option") == (kind == "option"), rule, key="requirement.shape", got=wanted.shape)
        face = getattr(self.contract, "face", 1.0)
        rule = "tiers are counted in contracts, so that their size has to be known"
        require(face is not None or wanted.tier_unit != "contracts", rule, key="contract.face", got=face)
        rule = "needs a linear contract: the size in base currency of others moves with the price"
        require(wanted.shape != "sqrt" or kind == "linear", rule, key="requirement.shape", got=wanted.shape)
        if wanted.shape == "affine" and (wanted.mmr_limit or wanted.imr_limit):
            rule = "needs a linear contract: the size in base currency of others moves with the price"
            require(kind == "linear", rule, key="requirement.mmr_limit", got=wanted.mmr_limit)
        rule = "needs a requirement that is frozen at entry: basis: entry"
        fixed = wanted.with_funding
        require(not fixed or wanted.basis == "entry", rule, key="requirement.with_funding", got=fixed)
        rule = "is entry where the basis is entry, and trigger_price where it is not"
        frozen = wanted.basis == "entry"
        require((wanted.tier_at == "entry") == frozen, rule, key="requirement.tier_at", got=wanted.tier_at)
        needed = "portfolio" in self.collateral.modes
        require(wanted.portfolio is not None or not needed, "the portfolio mode needs it", key="requirement.portfolio")
        require(self.loss.adl is not None or self.loss.then != "adl", "then: adl needs it", key="loss.adl")
        return self

    @model_validator(mode="before")
    @classmethod
    def _of_one_day(cls, given: Any) -> Any:
        """`as_of: DAY` is short for valid_from and last_seen on that day."""
        if not isinstance(given, dict) or "as_of" not in given:
            return given
        rest = {key: value for key, value in given.items() if key != "as_of"}
        other = next((key for key in ("valid_from", "last_seen") if key in rest), "")
        rule = f"stands for valid_from and last_seen, and {other} is given too"
        require(not other, rule, key="as_of", got=str(given["as_of"]), hint="Give as_of alone, or the two without it")
        day = moment(given["as_of"])
        require(isinstance(day, datetime.datetime), "must be a valid date", key="as_of", got=given["as_of"])
        return {"valid_from": day, "last_seen": day, **rest}

    @property
    def edition(self) -> str:
        """The name of the edition: when it begins, as a day or as a time in UTC."""
        begins = self.valid_from
        if begins.time() == datetime.time():
            return f"{begins:%Y-%m-%d}"
        to_the_minute = begins.second == begins.microsecond == 0
        return f"{begins:%Y-%m-%dT%H:%MZ}" if to_the_minute else f"{begins.replace(tzinfo=None).isoformat()}Z"

    @property
    def as_of(self) -> datetime.date:
        """The day on which these rules were last seen."""
        return self.last_seen.date()

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the content as canonical JSON; comments and layout of the file do not enter."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each rule that was not verified, to be shown where the rulebook is used."""
        return tuple(f"{self.id} ({self.as_of}): {line}" for line in self.unverified)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is assumed and what is not verified, for a report."""
        return *self.assumptions, *(f"Not verified: {line}." for line in self.unverified)

    @property
    def needs(self) -> tuple[str, ...]:
        """What an engine has to know beyond the static ladder (one isolated linear position, marginal tiers on the
        mark's quote notional, closed whole), as "key: value"; empty for what that ladder runs as it stands.
        """
        requirement, liquidation = self.requirement, self.liquidation
        simple = {
            "contract.kind": (self.contract.kind, "linear"),
            "contract.dated": (getattr(self.contract, "dated", False), False),
            "collateral.modes": ("isolated" in self.collateral.modes or self.collateral.modes[0], True),
            "requirement.shape": (requirement.shape, "marginal"),
            "requirement.basis": (requirement.basis, "mark"),
            "requirement.tier_unit": (requirement.tier_unit, "quote"),
            "requirement.tier_at": (requirement.tier_at, "trigger_price"),
            "requirement.include_close_fee": (requirement.include_close_fee, "none"),
            "requirement.compare": (requirement.compare, "le"),
            "requirement.rounded_up_to": (requirement.rounded_up_to, None),
            "mark.kind": (self.mark.kind, "equals_index"),
            "liquidation.ladder": (_stages(self.liquidation), "full"),
            "liquidation.residual": (liquidation.residual == "backstop", False),
            "liquidation.backstop_at": (liquidation.backstop_at, None),
            "liquidation.fee_ramp": (liquidation.fee_ramp is not None, False),
            "funding.interval": (self.funding.interval, None if self.funding.continuous else self.funding.interval),
            "funding.notional_at": (self.funding.notional_at, "mark"),
        }
        return tuple(f"{key}: {value}" for key, (value, known) in simple.items() if value != known)


def _stages(liquidation: Liquidation) -> str:
    if len(liquidation.ladder) == 1 and isinstance(liquidation.ladder[0], Full):
        return "full"
    return ", ".join(stage.stage for stage in liquidation.ladder)
