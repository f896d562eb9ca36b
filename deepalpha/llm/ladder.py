"""From a request to one valid object with one member: the best form of schema it takes, then one repair turn.

Ladder: native schema -> schema in the prompt with JSON mode -> schema in the prompt alone (only when the endpoint says
that it cannot) -> one repair turn with what was wrong -> a typed failure. There is no free-text fallback.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from deepalpha.llm.adapter import Message, Turn
from deepalpha.llm.call import Call, Outcome
from deepalpha.llm.member import Member
from deepalpha.llm.request import LLMRequest
from deepalpha.llm.schema import InvalidAnswerError, json_schema, parse_answer

MAX_REPAIR_CHARS = 4_000


def judge(schema: type[BaseModel]) -> Any:
    """Function from a text to what is wrong with it."""

    def problem(text: str) -> str:
        try:
            parse_answer(schema, text)
        except InvalidAnswerError as error:
            return str(error)
        return ""

    return problem


async def climb(call: Call, member: Member, request: LLMRequest[Any]) -> Outcome:
    """The outcome with this member; at most four requests, usually one."""
    turn = first_turn(member, request)
    outcome = await call.attempt(member, turn)
    while outcome.schema_unsupported and member.lower_output():
        turn = first_turn(member, request)
        outcome = await call.attempt(member, turn)
    if not outcome.repairable:
        return outcome
    return await call.attempt(member, repair_turn(turn, outcome))


def first_turn(member: Member, request: LLMRequest[Any]) -> Turn:
    """The question as this member is asked it."""
    return Turn(
        system=request.system,
        messages=(Message(role="user", text=request.user),),
        max_tokens=request.max_tokens,
        output=member.output,
        schema=json_schema(request.schema),
        temperature=request.temperature,
        # Equal for all calls with this stable part, and only for them: the provider's cache is found by it.
        cache_key=f"deepalpha-{request.stable_sha[:24]}",
    )


def repair_turn(turn: Turn, outcome: Outcome) -> Turn:
    """The same question, the answer given, and what was wrong with it."""
    said = Message(role="assistant", text=outcome.text[:MAX_REPAIR_CHARS] or "(empty)", carry=outcome.carry)
    words = (
        f"That was not a valid answer: {outcome.reason[:MAX_REPAIR_CHARS]}. "
        "Answer again with only the JSON object, every field present and within its bounds, nothing around it."
    )
    messages = (*turn.messages, said, Message(role="user", text=words))
    return Turn(
        system=turn.system,
        messages=messages,
        max_tokens=turn.max_tokens,
        output=turn.output,
        schema=turn.schema,
        temperature=turn.temperature,
        cache_key=turn.cache_key,
    )
