"""What outcomes teach: the fusers' weights, the agents' records, the calibration, the conformal level, who decides.

Invariants: nothing here moves but by `resolve`, once an outcome, in the order of resolution; the state is a function
of the sequence of outcomes (and of the settings), so a restart from the last update and the last outcomes goes on bit
for bit. Fits are redone every `REFIT` outcomes and the contest every `LOOK`, counted from the first one: those, too,
are functions of the sequence. A lesson costs some 50 us, a refit up to 3 ms, a look 10 ms; a restart reads `KEPT`
outcomes in some 50 ms.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from deepalpha.decision import calibrate as calibration_step
from deepalpha.decision.agent_record import AgentRecord
from deepalpha.decision.calibrate import ENOUGH, Calibration, fit
from deepalpha.decision.champion import Contest, contest
from deepalpha.decision.clip import bounded_logit, logistic
from deepalpha.decision.conformal import BUY, FLAT, SELL, Conformal
from deepalpha.decision.fixed_share import FixedShare
from deepalpha.decision.fuse import EqualPool, Fuser, Fusion
from deepalpha.decision.log_pool import LogPool
from deepalpha.decision.normalise import Ballot
from deepalpha.decision.past import Past
from deepalpha.errors import StoreError
from deepalpha.types import FuserUpdate, Outcome, encode

FORMAT = 1
REFIT, LOOK = 10, 20
KEPT = calibration_step.WINDOW + LOOK
"""Outcomes that fits and contests may look back on, 5 MB of the log."""


class Learner:
    """All fusers side by side with what they have learned.

    Args:
        alpha, gamma: of the conformal level.
    """

    def __init__(self, alpha: float, gamma: float) -> None:
        self._alpha, self._gamma = alpha, gamma
        self._begin()

    def _begin(self) -> None:
        self._equal = EqualPool()
        self._learners: tuple[Fuser, ...] = (FixedShare(), LogPool())
        self.record = AgentRecord()
        self.conformal = Conformal(self._alpha, self._gamma)
        self.number = 0
        self._outcomes: deque[Outcome] = deque(maxlen=KEPT)
        self._past = Past(self.names, KEPT)
        self._digest: bytes | None = None
        self._look()

    @property
    def names(self) -> tuple[str, ...]:
        """All fusers, the equal pool first."""
        return (self._equal.name, *(fuser.name for fuser in self._learners))

    @property
    def live(self) -> str:
        """The fuser that decides."""
        return self.contest.live

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The last outcomes, oldest first."""
        return tuple(self._outcomes)

    @property
    def known_until(self) -> int:
        """UTC ns of the youngest close that was learned from; 0 before the first."""
        return self._outcomes[-1].resolved_at if self._outcomes else 0

    def fuse(self, ballot: Ballot) -> dict[str, Fusion]:
        """Every fuser's answer to a ballot; changes nothing."""
        heard = self.record.calibrated(ballot.stated)
        fused = {self._equal.name: self._equal.pool(heard, ballot.asked)}
        return fused | {fuser.name: fuser.pool(ballot.logits, ballot.asked) for fuser in self._learners}

    def resolve(self, outcome: Outcome) -> FuserUpdate:
        """Learn from one outcome.

        Returns:
            The update as it is stored; its `state` is enough to go on from, together with the outcomes before.
        """
        logits = {name: bounded_logit(p_up) for name, p_up in outcome.votes.items()}
        for fuser in self._learners:
            fuser.learn(logits, outcome.asked, outcome.went_up)
        self.record.learn(outcome.votes, outcome.went_up)
        if outcome.n_calibration >= ENOUGH:
            self.conformal.learn(outcome.p_buy, outcome.p_sell, truth(outcome))
        self.number += 1
        self._outcomes.append(outcome)
        self._past.add(outcome)
        if self.number % LOOK == 0:
            self._look()
        elif self.number % REFIT == 0 or self.number < ENOUGH:
            self._refit()
        self._digest = None
        return FuserUpdate(
            decision_id=outcome.decision_id,
            number=self.number,
            resolved_at=outcome.resolved_at,
            live=self.live,
            losses={name: (logistic(score) - outcome.went_up) ** 2 for name, score in outcome.shadows.items()},
            weights={fuser.name: fuser.weights() for fuser in self._learners},
            contest=self.contest.words if self.number % LOOK == 0 else "",
            state=self.state(),
        )

    @property
    def digest(self) -> bytes:
        """Names everything a decision takes from here."""
        if self._digest is None:
            content = (self.names, self.live, self.state(), self.conformal.limit(), self.calibration)
            self._digest = hashlib.sha256(encode(content)).digest()
        return self._digest

    def state(self) -> dict[str, Any]:
        """All but the outcomes, as JSON-able values."""
        return {
            "format": FORMAT,
            "number": self.number,
            "fusers": {fuser.name: fuser.state() for fuser in self._learners},
            "record": self.record.state(),
            "conformal": self.conformal.state(),
        }

    def restore(self, state: Mapping[str, Any], outcomes: Iterable[Outcome]) -> None:
        """Go on from `state` and the last `KEPT` outcomes, oldest first.

        Raises:
            StoreError: another format, or a state that cannot be read; nothing has changed then.
        """
        if state.get("format") != FORMAT:
            raise StoreError(f"fuser state has format {state.get('format')!r}, this version reads {FORMAT}; drop it")
        fresh = Learner(self._alpha, self._gamma)
        try:
            fresh._take(state, outcomes)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"fuser state cannot be read ({error!r}); drop it and start with an empty one") from error
        self.__dict__.update(fresh.__dict__)

    def _take(self, state: Mapping[str, Any], outcomes: Iterable[Outcome]) -> None:
        for fuser in self._learners:
            fuser.restore(state["fusers"][fuser.name])
        self.record.restore(state["record"])
        self.number = int(state["number"])
        self._outcomes.extend(outcomes)
        self._past.extend(self._outcomes)
        if len(self._outcomes) < min(self.number, KEPT):
            raise ValueError(f"{self.number} outcomes were learned from and only {len(self._outcomes)} are there")
        issued = [(o.p_buy, o.p_sell, truth(o)) for o in self._outcomes if o.n_calibration >= ENOUGH]
        self.conformal.restore(state["conformal"], issued)
        self._look()

    def _look(self) -> None:
        """Hold the contest as of the last multiple of `LOOK`, then fit."""
        seen = self._until(self.number - self.number % LOOK)
        default, *challengers = self.names
        self.contest: Contest = contest(seen, default=default, challengers=challengers)
        self._refit()

    def _refit(self) -> None:
        """Fit the live fuser as of the last multiple of `REFIT`, or of now while there are few outcomes."""
        until = self.number if self.number < ENOUGH else self.number - self.number % REFIT
        self.calibration: Calibration = fit(self._past.columns(without=self.number - until), self.live)
        self._digest = None

    def _until(self, number: int) -> Sequence[Outcome]:
        return tuple(self._outcomes)[: len(self._outcomes) - (self.number - number)]


def truth(outcome: Outcome) -> str:
    """Which trade had earned its costs: buy, sell or neither."""
    if outcome.buy_paid:
        return BUY
    return SELL if outcome.sell_paid else FLAT


def read_outcomes(found: object) -> list[Outcome]:
    """Outcomes out of JSON-able values; StoreError when they are none."""
    try:
        return msgspec.convert(found, list[Outcome])
    except msgspec.ValidationError as error:
        raise StoreError(f"outcomes cannot be read ({error}); drop the state and start with an empty one") from error
