"""Language models as optional reviewers: typed, budgeted, recorded, replayable, and never in charge.

`make_router` turns settings into a `Router`; `Router.complete` answers an `LLMRequest` with an `LLMResult` whose status
says how it went; `ensemble` asks several; `stream_text` is for a person's eyes; `Recorded` replays; `Reviewer` is what
agents use. The SDKs are imported when a provider is set up, so DeepAlpha works without them.
"""

from deepalpha.llm.adapter import Adapter, AdapterError, Finish, Message, Reply, Turn
from deepalpha.llm.budget import Budget
from deepalpha.llm.build import contaminating, make_member, make_replay, make_reviewer, make_router
from deepalpha.llm.call_log import CallLog, MemoryCallLog
from deepalpha.llm.ensembles import combine, ensemble
from deepalpha.llm.member import Member
from deepalpha.llm.models import ModelRow, OutputMode, Price, model_table
from deepalpha.llm.recorded import Completer, Recorded
from deepalpha.llm.request import CallStatus, LLMRequest, LLMResult, Prompt, Usage
from deepalpha.llm.reviewer import MAX_SHIFT, Review, Reviewer, ReviewOutcome
from deepalpha.llm.router import Router, RouterState
from deepalpha.llm.schema import Answer
from deepalpha.llm.security import Redactor, protect_logging
from deepalpha.llm.stream import TextStream, stream_text
from deepalpha.llm.untrusted import clean, fence

__all__ = [
    "MAX_SHIFT",
    "Adapter",
    "AdapterError",
    "Answer",
    "Budget",
    "CallLog",
    "CallStatus",
    "Completer",
    "Finish",
    "LLMRequest",
    "LLMResult",
    "Member",
    "MemoryCallLog",
    "Message",
    "ModelRow",
    "OutputMode",
    "Price",
    "Prompt",
    "Recorded",
    "Redactor",
    "Reply",
    "Review",
    "ReviewOutcome",
    "Reviewer",
    "Router",
    "RouterState",
    "TextStream",
    "Turn",
    "Usage",
    "clean",
    "combine",
    "contaminating",
    "ensemble",
    "fence",
    "make_member",
    "make_replay",
    "make_reviewer",
    "make_router",
    "model_table",
    "protect_logging",
    "stream_text",
]
