-- The projection of ops.sqlite: same tables, same ids; amounts exact as DECIMAL. `watermark` says up to which id.
CREATE TABLE watermark (table_name VARCHAR PRIMARY KEY, last_id BIGINT NOT NULL);
CREATE TABLE context (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, decision_id VARCHAR,
    symbol VARCHAR, timeframe VARCHAR, ts_event BIGINT, snapshot_hash VARCHAR, body VARCHAR);
CREATE TABLE signal (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, decision_id VARCHAR,
    agent VARCHAR, version VARCHAR, role VARCHAR, symbol VARCHAR, ts_event BIGINT, status VARCHAR, p_up DOUBLE,
    size_cap DOUBLE, latency_ns BIGINT, body VARCHAR);
CREATE TABLE decision (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, decision_id VARCHAR,
    symbol VARCHAR, ts_event BIGINT, action VARCHAR, score DOUBLE, p_up DOUBLE, confidence DOUBLE, price DOUBLE,
    status VARCHAR, blocked_by VARCHAR, body VARCHAR);
CREATE TABLE command (id BIGINT PRIMARY KEY, ts_init BIGINT, command_id VARCHAR, kind VARCHAR, decision_id VARCHAR,
    target VARCHAR, "by" VARCHAR, "at" BIGINT, body VARCHAR);
CREATE TABLE order_intent (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR,
    client_order_id VARCHAR, decision_id VARCHAR, mode VARCHAR, symbol VARCHAR, side VARCHAR, "type" VARCHAR,
    quantity DECIMAL(38, 8), price DECIMAL(38, 8), reference_price DECIMAL(38, 8), reduce_only BIGINT,
    stop_loss DECIMAL(38, 8), take_profit DECIMAL(38, 8), protective BIGINT, approved_by VARCHAR, ts_event BIGINT,
    body VARCHAR);
CREATE TABLE order_event (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR,
    client_order_id VARCHAR, seq BIGINT, event VARCHAR, state_before VARCHAR, state VARCHAR, ts_event BIGINT,
    reason VARCHAR);
CREATE TABLE fill (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, fill_id VARCHAR,
    client_order_id VARCHAR, decision_id VARCHAR, symbol VARCHAR, side VARCHAR, quantity DECIMAL(38, 8),
    price DECIMAL(38, 8), fee DECIMAL(38, 8), realised_pnl DECIMAL(38, 8), ts_event BIGINT, reason VARCHAR);
CREATE TABLE equity (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, ts_event BIGINT,
    cash DECIMAL(38, 8), position_value DECIMAL(38, 8), equity DECIMAL(38, 8), realised_pnl DECIMAL(38, 8),
    unrealised_pnl DECIMAL(38, 8), fees DECIMAL(38, 8), positions VARCHAR);
CREATE TABLE heartbeat (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, pid BIGINT,
    state VARCHAR, ts_event BIGINT, body VARCHAR);
CREATE TABLE audit (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, kind VARCHAR,
    ref VARCHAR, status VARCHAR, ts_event BIGINT, body VARCHAR);
