//! Tables of the log as a short ordered list of migrations; `PRAGMA user_version` counts the applied ones.
//!
//! Common columns: `id` (monotonic: no row is ever deleted, so AUTOINCREMENT would add nothing but a write to a second
//! table), `ts_init` (UTC ns by our clock), `run_id` (one start of a process), `account_id` (one practice session or one
//! account at a venue). Amounts are decimal text, exact. `body` is canonical JSON.

pub(crate) const MIGRATIONS: &[&str] = &[INITIAL, BODIES, LEARNING, LLM_CALLS];

/// Order records whole, as JSON: what the order manager replays. Empty in rows of the practice venue.
const BODIES: &str = "
ALTER TABLE order_event ADD COLUMN body TEXT NOT NULL DEFAULT '';
ALTER TABLE fill ADD COLUMN body TEXT NOT NULL DEFAULT '';
";

/// What became of decisions, and what the fusers learned from it: one row of each for every horizon that ended.
const LEARNING: &str = "
CREATE TABLE outcome (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    decision_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL, ts_decided INTEGER NOT NULL, ts_event INTEGER NOT NULL,
    action TEXT NOT NULL, price REAL NOT NULL, close REAL NOT NULL, gross_return REAL NOT NULL,
    net_return REAL NOT NULL, went_up REAL NOT NULL, p_up REAL NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX outcome_by_account ON outcome (account_id, id);
CREATE TABLE fuser_update (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    decision_id TEXT NOT NULL UNIQUE, ts_event INTEGER NOT NULL, number INTEGER NOT NULL, live TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX fuser_update_by_account ON fuser_update (account_id, id);
";

/// Every step of every call to a language model: `sent` before the wire with the worst case as its cost, `done` after
/// it. A replay reads them by `request_sha`, the budget sums them by `ts_sent`.
const LLM_CALLS: &str = "
CREATE TABLE llm_call (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    call_id TEXT NOT NULL, seq INTEGER NOT NULL, phase TEXT NOT NULL, status TEXT NOT NULL, provider TEXT NOT NULL,
    model TEXT NOT NULL, purpose TEXT NOT NULL, cycle TEXT NOT NULL, request_sha TEXT NOT NULL,
    schema_sha TEXT NOT NULL, prompt_sha TEXT NOT NULL, request TEXT NOT NULL, response TEXT NOT NULL,
    text TEXT NOT NULL, reason TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, cache_write_tokens INTEGER NOT NULL, cost_usd TEXT NOT NULL,
    cost_is_bound INTEGER NOT NULL, ts_sent INTEGER NOT NULL, ts_done INTEGER NOT NULL,
    UNIQUE (call_id, seq, phase)
) STRICT;
CREATE INDEX llm_call_by_request ON llm_call (request_sha, id);
CREATE INDEX llm_call_by_time ON llm_call (ts_sent);
";

const INITIAL: &str = "
CREATE TABLE context (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    decision_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL, timeframe TEXT NOT NULL, ts_event INTEGER NOT NULL,
    snapshot_hash TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE signal (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    decision_id TEXT NOT NULL, agent TEXT NOT NULL, version TEXT NOT NULL, role TEXT NOT NULL, symbol TEXT NOT NULL,
    ts_event INTEGER NOT NULL, status TEXT NOT NULL, p_up REAL, size_cap REAL NOT NULL, latency_ns INTEGER NOT NULL,
    body TEXT NOT NULL, UNIQUE (decision_id, agent)
) STRICT;
CREATE TABLE decision (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    decision_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL, ts_event INTEGER NOT NULL, action TEXT NOT NULL,
    score REAL NOT NULL, p_up REAL NOT NULL, confidence REAL NOT NULL, price REAL NOT NULL, status TEXT NOT NULL,
    blocked_by TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX decision_by_symbol ON decision (account_id, symbol, ts_event);
CREATE TABLE command (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, command_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, decision_id TEXT, target TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
    body TEXT NOT NULL, UNIQUE (kind, decision_id)
) STRICT;
CREATE TABLE order_intent (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL UNIQUE, decision_id TEXT NOT NULL, mode TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, type TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT, reference_price TEXT NOT NULL,
    reduce_only INTEGER NOT NULL, stop_loss TEXT, take_profit TEXT, protective INTEGER NOT NULL,
    approved_by TEXT NOT NULL, ts_event INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX order_intent_by_decision ON order_intent (decision_id);
CREATE TABLE order_event (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, state_before TEXT NOT NULL,
    state TEXT NOT NULL, ts_event INTEGER NOT NULL, reason TEXT NOT NULL, UNIQUE (client_order_id, seq)
) STRICT;
CREATE TABLE fill (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    fill_id TEXT NOT NULL UNIQUE, client_order_id TEXT NOT NULL, decision_id TEXT NOT NULL, symbol TEXT NOT NULL,
    side TEXT NOT NULL, quantity TEXT NOT NULL, price TEXT NOT NULL, fee TEXT NOT NULL, realised_pnl TEXT NOT NULL,
    ts_event INTEGER NOT NULL, reason TEXT NOT NULL
) STRICT;
CREATE TABLE equity (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    ts_event INTEGER NOT NULL, cash TEXT NOT NULL, position_value TEXT NOT NULL, equity TEXT NOT NULL,
    realised_pnl TEXT NOT NULL, unrealised_pnl TEXT NOT NULL, fees TEXT NOT NULL, positions TEXT NOT NULL,
    UNIQUE (account_id, ts_event)
) STRICT;
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    pid INTEGER NOT NULL, state TEXT NOT NULL, ts_event INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY, ts_init INTEGER NOT NULL, run_id TEXT NOT NULL, account_id TEXT NOT NULL,
    kind TEXT NOT NULL, ref TEXT NOT NULL, status TEXT NOT NULL, ts_event INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_ref ON audit (kind, ref, id);
";
