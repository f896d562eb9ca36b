CREATE TABLE llm_call (id BIGINT PRIMARY KEY, ts_init BIGINT, run_id VARCHAR, account_id VARCHAR, call_id VARCHAR,
    seq BIGINT, phase VARCHAR, status VARCHAR, provider VARCHAR, model VARCHAR, purpose VARCHAR, cycle VARCHAR,
    request_sha VARCHAR, schema_sha VARCHAR, prompt_sha VARCHAR, request VARCHAR, response VARCHAR, text VARCHAR,
    reason VARCHAR, input_tokens BIGINT, output_tokens BIGINT, cached_tokens BIGINT, cache_write_tokens BIGINT,
    cost_usd DECIMAL(38, 12), cost_is_bound BIGINT, ts_sent BIGINT, ts_done BIGINT);
