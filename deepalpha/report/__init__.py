"""The report room: what are the agents and the decisions worth? Nothing here trades, or writes but the kept result.

    evaluate         walk over stored bars, judge every agent, fuser, decision and baseline: an Evaluation
    open_data        the bars to evaluate: files, a catalog, the shared set, the sample; open_news: their headlines
    render           an Evaluation as text
    keep_evaluation  into the workspace; load_evaluation reads it back

Example:
    >>> opened = open_data(None, timeframe="1d")  # doctest: +SKIP
    >>> print(render(evaluate(opened.source, name=opened.name, limit=500)))  # doctest: +SKIP
"""

from deepalpha.report.data import Opened, open_data, open_news, view_timeframes
from deepalpha.report.evaluation import WARM_UP, evaluate
from deepalpha.report.facts import DataFacts, Evaluation, Event, Finding, Row, RowKind, Scores
from deepalpha.report.keep import keep_evaluation, load_evaluation
from deepalpha.report.table import headline, render

__all__ = [
    "WARM_UP",
    "DataFacts",
    "Evaluation",
    "Event",
    "Finding",
    "Opened",
    "Row",
    "RowKind",
    "Scores",
    "evaluate",
    "headline",
    "keep_evaluation",
    "load_evaluation",
    "open_data",
    "open_news",
    "render",
    "view_timeframes",
]
