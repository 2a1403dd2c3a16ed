"""The study: as it is written in YAML (`StudyFile`), and as it is run (`Study`)."""

import functools
import hashlib
import json
import operator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, InstanceOf, PlainValidator, TypeAdapter, ValidationInfo

from stresslab.config.fields import NAME, Count, Filled, Instant, Part, Slug, check_keys, listed
from stresslab.config.joint_models import JointRef, joint_entry
from stresslab.config.model_files import Fit, ModelRef, model_entry
from stresslab.config.outputs import Limit, Outputs
from stresslab.config.parts import Book, Market
from stresslab.config.policies import NONE as NO_POLICY
from stresslab.config.policies import PolicySets
from stresslab.config.policies import written as written_policies
from stresslab.config.processes import Basis, Funding, ReplayFunding
from stresslab.config.sampling import Sampling
from stresslab.config.shocks import NONE, Effects, Shocks, written
from stresslab.config.venue import Venue
from stresslab.errors import InputError, require
from stresslab.files.funding_rates import FundingRates
from stresslab.files.validation import nearest
from stresslab.models import MODELS, Parameters
from stresslab.models.history import condensed
from stresslab.options.smile import ImpliedVolatility
from stresslab.venues import Rulebook, names_edition
from stresslab.venues.editions import in_force


def _filled_mapping(value: Any) -> Any:
    check_keys(value, value if isinstance(value, dict) else ())
    require(len(value) > 0, "must not be empty", got=value, hint="Leave the key out, or write something under it")
    return value


def _named(value: Any) -> Any:
    for name in _filled_mapping(value):
        rule = "a name is made of letters, digits, - and _, at most 64"
        require(NAME.fullmatch(name) is not None, rule, key=name)
    return value


def _entry(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, JointRef) or (isinstance(value, dict) and value.get("kind") == "joint"):
        return joint_entry(value)
    return model_entry(value, (info.context or {}).get("base", "."))


_Entry = Annotated[
    Any,
    PlainValidator(
        _entry, json_schema_input_type=functools.reduce(operator.or_, (*MODELS.values(), ModelRef, JointRef))
    ),
]
Models = Annotated[dict[str, _Entry], BeforeValidator(_named)]
Sweep = Annotated[dict[str, Annotated[tuple[Any, ...], Filled]], BeforeValidator(_filled_mapping)]
Limits = Annotated[tuple[Limit, ...], BeforeValidator(listed)]


_INSTANT = TypeAdapter(Instant)


class _Shared(Part):
    """What the written and the resolved study have in common."""

    study: Slug = Field(description="the name under which runs are kept")
    as_of: Instant = Field(description="time 0 of every path; fixes the funding clock")
    seed: Count = Field(ge=0, lt=2**32, description="the same every night, so that nights are paired")
    market: Market
    funding: Funding | None = None
    basis: Basis | None = None
    book: Book
    venue: Venue | None = Field(default=None, description="conditions of the venue: none without it")
    implied: ImpliedVolatility | None = Field(
        default=None, description="volatilities of options by moneyness, around the model's"
    )
    policies: PolicySets = Field(default={}, description="name: a list of policies that book.policies may name")
    sampling: Sampling = Sampling()
    outputs: Outputs = Outputs()
    limits: Limits = ()


class StudyFile(_Shared):
    """A study as it is written in YAML: its JSON schema is what an editor can check a study file with."""

    models: Models = Field(description="name: kind and parameters, or a file; kind joint names others of them")
    shocks: Shocks = Field(default={}, description="name: a list of effects, or a file")
    sweep: Sweep = Field(default={}, description="dotted path: values; its last part names the dimension")


class Study(_Shared):
    """A study that can be run: checked, every file that it names read, every value in one spelling."""

    file: str = Field(description="what to call the study file in a refusal")
    models: dict[str, InstanceOf[Parameters]]
    joints: dict[str, JointRef] = Field(default={}, description="models of several assets, by the names of others")
    fits: dict[str, Fit] = Field(description="for the models that were read from a file")
    shocks: dict[str, InstanceOf[tuple]] = Field(default={}, description="effects by name")
    shock_files: dict[str, str] = Field(default={}, description="SHA-256 of each file that effects were read from")
    recorded: InstanceOf[FundingRates] | None = Field(default=None, description="the rates that funding replays")
    histories: dict[str, InstanceOf[tuple]] = Field(description="editions of each rulebook; by id, or id@date")
    sweep: dict[str, tuple[Any, ...]] = Field(default={}, description="dotted path: coordinates, numbers or text")

    @property
    def model(self) -> Parameters:
        """The parameters that market.model names."""
        name = self.market.model
        return self.joints[name].joint(self.models) if name in self.joints else self.models[name]

    @property
    def market_models(self) -> tuple[str, ...]:
        """The names under models that market.model rests on: those of its assets if it is a joint one."""
        name = self.market.model
        return tuple(dict.fromkeys(self.joints[name].assets.values())) if name in self.joints else (name,)

    @property
    def asset_names(self) -> tuple[str, ...]:
        """The assets of market.model: those of a joint model in its order, else the one of the market."""
        joint = self.joints.get(self.market.model)
        return tuple(joint.assets) if joint else (self.market.asset,)

    @property
    def effects(self) -> Effects:
        """Those of the shock that market.shock names; empty where there is none."""
        return () if self.market.shock in (None, NONE) else self.shocks[self.market.shock]

    @property
    def book_policies(self) -> tuple[Any, ...]:
        """What the holder of the book does: its own list, or the one that it names."""
        chosen = self.book.policies
        if isinstance(chosen, str):
            return () if chosen == NO_POLICY else self.policies[chosen]
        return chosen or ()

    @property
    def sources(self) -> dict[str, str]:
        """SHA-256 of each model file (by its path as written) and of each rulebook's content (by id)."""
        files = {fit.file: fit.sha256 for fit in self.fits.values()} | self.shock_files
        if isinstance(self.funding, ReplayFunding) and self.recorded is not None:
            files[self.funding.file] = self.recorded.sha256
        return files | {name: rulebook.hash for name, rulebook in self.rulebooks.items()}

    @property
    def rulebooks(self) -> dict[str, Rulebook]:
        """The editions that are in force at as_of, and at the other times that the sweep puts in its place."""
        found = {name: in_force(history, self.as_of) for name, history in self.histories.items()}
        for moment in self.sweep.get("as_of", ()):
            for name, history in self.histories.items():
                edition = in_force(history, _INSTANT.validate_python(moment))
                if edition is not found[name]:
                    found[f"{name}@{edition.edition}"] = edition
        return found

    @property
    def chosen_editions(self) -> tuple[str, ...]:
        """The ids, id@date, of the editions that the study names itself."""
        return tuple(name for name in self.histories if names_edition(name))

    def rulebook(self, name: str = "") -> Rulebook:
        """The rulebook with this id, one of those that the book or the sweep names; the book's own without a name.

        With the requirement of the book's margin mode and the fees of its account.
        """
        wanted = name or self.book.rulebook
        if wanted not in self.histories:
            hint = nearest(wanted, self.histories)
            raise InputError("is no rulebook of this study", key="book.rulebook", got=wanted, hint=hint, file=self.file)
        rulebook = in_force(self.histories[wanted], self.as_of).in_mode(self.book.margin_mode)
        if self.book.fees is None:
            return rulebook
        own = rulebook.fees.model_copy(update=self.book.fees.model_dump(exclude_none=True))
        return rulebook.model_copy(update={"fees": own})

    def resolved(self) -> dict[str, Any]:
        """The study as JSON-able values with nothing left to look up: models with numbers, rulebooks by id and hash."""
        whole = self.model_dump(mode="json", exclude_none=True, exclude=_LOOKED_UP)
        whole["models"] = {name: condensed(self.models[name]) for name in sorted(self.models)}
        whole["rulebooks"] = {name: book.hash for name, book in sorted(self.rulebooks.items())}
        whole["editions"] = {name: book.edition for name, book in sorted(self.rulebooks.items())}
        if self.joints:
            whole["joints"] = {name: self.joints[name].model_dump(mode="json") for name in sorted(self.joints)}
        if self.policies:
            whole["policies"] = {name: written_policies(self.policies[name]) for name in sorted(self.policies)}
        if self.shocks:
            whole["shocks"] = {name: written(self.shocks[name]) for name in sorted(self.shocks)}
        if self.recorded is not None:
            whole["recorded"] = self.recorded.sha256
        if self.sampling.parameters == "fixed":
            del whole["sampling"]["parameters"]
        else:
            whole["uncertainty"] = self._uncertainty()
        return whole

    def _uncertainty(self) -> dict[str, Any]:
        """What drawn parameters depend on beside the parameters."""
        found = {name: fit.model_dump(mode="json", include={"uncertainty", "put"}) for name, fit in self.fits.items()}
        return {name: found[name] for name in sorted(found)}

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved study: equal on all machines. The sweep's order counts, that of keys does not."""
        whole = self.resolved()
        whole["sweep"] = list(whole["sweep"].items())
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


_LOOKED_UP = {"file", "fits", "models", "joints", "histories", "shocks", "shock_files", "recorded", "policies"}


def study_schema() -> dict[str, Any]:
    """The JSON schema of a study file."""
    return StudyFile.model_json_schema()
