CREATE TABLE outcome (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, decision_id VARCHAR,
    symbol VARCHAR, ts_decided BIGINT, ts_event BIGINT, action VARCHAR, price DOUBLE, close DOUBLE, gross_return DOUBLE,
    net_return DOUBLE, went_up DOUBLE, p_up DOUBLE, body VARCHAR);
CREATE TABLE fuser_update (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR,
    decision_id VARCHAR, ts_event BIGINT, number BIGINT, live VARCHAR, body VARCHAR);
